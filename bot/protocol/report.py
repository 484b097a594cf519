"""A node's report on an order, as a check run: text for people, and the same for the bot. Pure.

A deployment status holds 140 characters, so the result per service travels as a check run on the order's commit,
posted with the job's own token before the final status: see docs/decisions/node-reports.md. Whoever may write to the
repository could post one, so a report is shown and counted, and decides nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from bot.domain.names import CommitSha, NodeName
from bot.domain.values import StoredValue
from bot.protocol.action import Action
from bot.protocol.order import UNDERSTOOD, Order, OrderKind, RefusalReason
from bot.protocol.outcome import (
    Difference,
    DiskSpace,
    OrderEnd,
    Outcome,
    ServiceOutcome,
    render_description,
    render_outcome,
)

VERSION = 1
MAX_TEXT_LENGTH = 65_000  # bytes of a check run's summary and of its text; GitHub takes 65,535
MAX_SERVICES = 2_000  # that the bot reads of one report
_FOLDED = "<details><summary>The same for aios-bot, as JSON</summary>"
_BLOCK = re.compile(r"```json\n(.*?)\n```", re.DOTALL)


class Report(StoredValue, frozen=True):
    """How an order ended. The node that wrote it may be newer than the bot that reads it."""

    version: int
    number: int
    end: OrderEnd
    text: str
    refusal: RefusalReason | None = None
    commit: CommitSha | None = None  # what the checkout holds now
    pin: CommitSha | None = None
    services: tuple[ServiceOutcome, ...] = ()  # those that were to change, or did
    untouched: int = 0  # how many more were to stay as they are, and did
    differences: tuple[Difference, ...] = ()
    seconds: float = 0.0
    engine: str = ""  # the node's: "Docker Engine 28.5.1"; "" where it is not known
    compose: str = ""  # the version of the node's compose: "2.40.3"
    understands: tuple[str, ...] = ()  # what an order may require of this node (UNDERSTOOD); (): told by none before
    agent: str = ""  # the version of the program that carried the order out
    space: tuple[DiskSpace, ...] = ()  # of the node's disks, at the end

    @property
    def surprises(self) -> tuple[ServiceOutcome, ...]:
        """Where the plan was wrong."""
        return tuple(service for service in self.services if not service.as_predicted)


class CheckRunText(NamedTuple):
    """The check run that carries a report."""

    name: str
    external_id: str
    conclusion: str
    title: str
    summary: str
    text: str


def check_name(kind: OrderKind, node: NodeName) -> str:
    """The check run's name; the newest of a name is what GitHub shows."""
    return f"aios/{kind if kind.reads_only else 'deploy'} {node}"


def external_id(number: int) -> str:
    """What ties the check run to its order."""
    return f"order:{number}"


def render_report(order: Order, outcome: Outcome) -> CheckRunText:
    """The check run for `outcome`; what does not fit is left out."""
    words = render_outcome(outcome)
    conclusion = "success" if outcome.end is OrderEnd.SUCCESS else "failure"
    if conclusion == "success" and outcome.differences:
        conclusion = "neutral"
    return CheckRunText(
        name=check_name(order.kind, order.node),
        external_id=external_id(order.number),
        conclusion=conclusion,
        title=render_description(outcome),
        summary=_fenced(words),
        text=_encode(order, outcome),
    )


def _fenced(words: str) -> str:
    marks = "`" * (max((len(run) for run in re.findall(r"`+", words)), default=0) + 3)
    budget = MAX_TEXT_LENGTH - 2 * len(marks) - 20
    if _measure(words) > budget:
        kept = words.encode("utf-8", "replace")[:budget].decode("utf-8", "ignore")
        words = kept.rsplit("\n", 1)[0] + "\n…"
    return f"{marks}text\n{words}\n{marks}"


def read_words(summary: str) -> str:
    """What a check run's summary says between its fences; "" when there is nothing between any."""
    lines = summary[: MAX_TEXT_LENGTH + 1000].splitlines()
    fenced = len(lines) > 1 and lines[0].startswith("```") and lines[-1].strip("`") == ""
    return "\n".join(lines[1:-1]) if fenced else ""


def _encode(order: Order, outcome: Outcome) -> str:
    told = tuple(s for s in outcome.services if s.predicted is not Action.NONE or not s.as_predicted)
    report = Report(
        version=VERSION,
        number=order.number,
        end=outcome.end,
        text=outcome.text[:1000],
        refusal=outcome.refusal,
        commit=outcome.commit,
        pin=outcome.pin,
        services=told,
        untouched=len(outcome.services) - len(told),
        differences=outcome.differences,
        seconds=round(sum(step.seconds for step in outcome.steps), 3),
        engine=outcome.engine,
        compose=outcome.compose,
        understands=tuple(sorted(UNDERSTOOD)),
        agent=outcome.agent,
        space=outcome.space,
    )
    while _measure(block := _block(report)) > MAX_TEXT_LENGTH:
        services, differences = report.services, report.differences
        report = msgspec.structs.replace(
            report, services=services[: len(services) // 2], differences=differences[: len(differences) // 2]
        )
    return block


def _measure(text: str) -> int:
    """Bytes, which are what GitHub counts: a check that is cut off could not be read any more."""
    return len(text.encode("utf-8", "replace"))


def _block(report: Report) -> str:
    # A backtick inside could end the fence; JSON knows another way to write it.
    body = msgspec.json.encode(report).decode().replace("`", "\\u0060")
    return f"{_FOLDED}\n\n```json\n{body}\n```\n\n</details>"


def parse_report(text: str, *, number: int) -> Report | None:
    """The report of order `number` in a check run's text; None when there is none that can be read."""
    found = _BLOCK.search(text[: MAX_TEXT_LENGTH + 1000])
    if found is None:
        return None
    try:
        report = msgspec.json.decode(found.group(1), type=Report)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if report.number != number or len(report.services) + len(report.differences) > MAX_SERVICES:
        return None
    return report
