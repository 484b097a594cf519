"""Every value that is stored or sent, between this version and the one before, and between this one and the next.

The other version reads what this one wrote and writes it again; this one reads that, and nothing has changed.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bot.agent.state import Identity
from bot.agent.state import Record as NodeRecord
from bot.domain.values import StoredValue
from bot.features.audit.facts import AuditRecord
from bot.features.bump.text import Marker
from bot.features.commands.facts.record import CommandRecord
from bot.features.fleets.facts import Pinned
from bot.features.holds.facts import Hold, Lock
from bot.features.rollout.store import RolloutStatus
from bot.github.connection.credentials import Registered
from bot.onboarding.migrate.folder import MigrationState
from bot.plan.model import Plan
from bot.protocol.invitation import Invitation
from bot.protocol.order import Order
from bot.protocol.report import Report
from bot.service.router import AnyJob
from tests.stored_values import LATER, covering_values
from tests.upgrade.versions import changed_types, next_version, previous_version, run_program

BEFORE: dict[str, Any] = {
    "bot.node.order:Order": Order,
    "bot.node.report:Report": Report,
    "bot.joining.invitation:Invitation": Invitation,
    "bot.node.state:Identity": Identity,
    "bot.node.state:Record": NodeRecord,
    "bot.looks:Look": AnyJob,
    "bot.looks:Pinned": Pinned,
    "bot.plan.model:Plan": Plan,
    "bot.decisions.asked:Asked": CommandRecord,
    "bot.decisions.asked:Record": AuditRecord,
    "bot.decisions.command_facts:Lock": Lock,
    "bot.decisions.command_facts:Hold": Hold,
    "bot.storage.fleet_store:Standings": RolloutStatus,
    "bot.report.pull_request:Marker": Marker,
    "bot.effects.connection.credentials:Registered": Registered,
    "bot.migration.folder:State": MigrationState,
}
"""What is stored or sent, by the name that the version before had for it."""
ONLY_WHERE_NEEDED = frozenset(
    {
        "Order.protocol",
        "Order.requires",
        "ServiceOrder.if_same",  # required of the node by `Order.requires`
        "ServicePlan.if_same",
        "ServiceOrder.follows",  # the same
        "ServicePlan.follows",
        "NodeStatus.rolled_back",  # the version before shows such a node as failed
        "NodePlan.hooks",  # of a node with hooks; the version before would take their change for approved
        # Reports of a node that is newer than its service are read without them; services are updated first.
        "Report.engine",
        "Report.compose",
        "Report.agent",
        "Report.space",
        "StackOrder.watch",  # required of the node by `Order.requires`
        "Node.watch",  # the version before takes no fleet file that says it
        "Pinned.page_for_readers",  # nor that
        # An App that this version registered: the version before takes its credentials from the environment alone.
        "Registered.client_secret",
        "Order.agent",  # required of the node by `Order.requires`
        "Report.understands",  # a bot that cannot read a report shows none; it decides nothing
        "Invitation.protocol",
        "Invitation.agent",  # its join command brings the program that reads it
        "Identity.former",  # only on a node that a person renamed; the version before cannot be renamed
        "RefusalReason.REQUIRES_UPDATE",
        # One comparison more: a node that does not know it does as before, and one that does is told of it by a
        # service that knows the reasons.
        "Order.tree",
        "RefusalReason.OTHER_FILES",
        "RefusalReason.BEYOND_ORDER",
        # Only replicas of the service read plans: while both versions run, the one before cannot show a newer plan.
        "StackPlan.inputs",
        "StackPlan.remarks",
        "StackPlan.old",
        "NodePlan.remarks",
        "NodePlan.warnings",
        "SourceLine.gone",
        "Plan.file_diffs",
        "Plan.tree",
        # One pin is tried again, after an error that stopped it alone; every pin is looked at again on each sync.
        "SyncRollout.submodule",
        "CheckDrift.submodule",
        # A merge whose pull request GitHub does not list yet is looked at again; so is every one on each sync.
        "SyncRollout.tries",
        # A push that cannot be fetched yet is looked for again; so is every branch on each sync.
        *(f"{job}.{name}" for job in ("SyncBump", "SyncFleet") for name in ("pushed", "tries", "not_before")),
        # What a merge's own event says, so that no list of GitHub's has to be current: a newer replica takes the job.
        "SyncRollout.merged",
        "SyncRollout.merge_commit",
        # New kinds of jobs. A person re-requests the checks again; an installation is listed again every six hours.
        "RepeatChecks",
        "ForgetInstallation",
        # A group of a merge queue waits for its checks: a newer replica takes the job when an older one could not.
        "PlanGroup",
        # So does a person's own pull request for its required check.
        "PlanPull",
        "ReviewGroup",
        # A stranger's comment gets no reaction; a newer replica reacts to what an older one could not read.
        "AcknowledgeCommand.actor",
        # It is answered once; the version before, which has no such limit, has no record of it to go on with.
        "CommandReason.TOO_MANY",
        # What the version before refuses in words, as there already; it follows none of these orders.
        "CommandReason.REPAIRED",
        # A command in a review is answered once, and followed by nothing; the version before does not look at one.
        "CommandReason.IN_REVIEW",
        *(f"Reviewed.{name}" for name in ("review", "actor", "line", "said_at")),
        # Of a rollback whose pull request GitHub refused: the version before, which gave no order then, follows none.
        "CommandRecord.unlinked",
        # They keep what people are notified of, which the version before does not do: a newer replica takes them.
        "NoteAccess",
        "EndSessions",  # the version before has none
        "EndWaiting",
        # It stays open until a newer replica takes the job; each sync of the fleet finds it again.
        "CloseLeftBump",
        # Of a fleet that was renamed or made again: a newer replica takes the job.
        "AdoptFleet",
        # How often GitHub has been asked whether it can be merged: the version before asks without a limit.
        "SyncReview.tries",
        "SyncReview.not_before",
        # GitHub may show a pull request as it was before its event; so is every open one looked at on each sync.
        "SyncReview.head",
        "CloseOutPull.tries",
        "CloseOutPull.not_before",
    }
)
"""What the version before cannot read, and this one writes only where it has to."""

READ_AND_WRITE = """
import importlib, json, msgspec, sys
written = []
for name, texts in json.load(sys.stdin).items():
    module, _, kind = name.partition(":")
    kind = getattr(importlib.import_module(module), kind)
    written.append([])
    for text in texts:
        try:
            written[-1].append(msgspec.json.encode(msgspec.json.decode(text, type=kind)).decode())
        except msgspec.ValidationError as problem:
            sys.exit(f"{name} cannot read {text}: {problem}")
print(json.dumps(written))
"""


def exchange(program: Any, values: dict[str, list[Any]]) -> dict[str, list[str]]:
    """What the other version writes of `values`, after it has read them."""
    given_texts = {name: [msgspec.json.encode(one).decode() for one in several] for name, several in values.items()}
    written = run_program(program, READ_AND_WRITE, given_texts)
    assert isinstance(written, list)
    return dict(zip(values, written, strict=True))


def test_the_version_before_and_this_one_read_each_other() -> None:
    values = {name: covering_values(kind, ONLY_WHERE_NEEDED) for name, kind in BEFORE.items()}
    with previous_version() as program:
        written = exchange(program, values)
    for name, kind in BEFORE.items():
        assert [msgspec.json.decode(text, type=kind) for text in written[name]] == values[name], name


def test_the_next_version_and_this_one_read_each_other() -> None:
    kinds: dict[str, type[StoredValue]] = {f"{kind.__module__}:{kind.__name__}": kind for kind in changed_types()}
    values = {name: covering_values(kind) for name, kind in kinds.items()}
    with next_version() as program:
        written = exchange(program, values)
    for name, kind in kinds.items():
        assert [msgspec.json.decode(text, type=kind) for text in written[name]] == values[name], name
        if not name.startswith("bot.plan.model:"):
            assert all(f'"{LATER}":"set"' in text for text in written[name]), name


def test_a_clone_without_the_version_before_is_told_what_to_do() -> None:
    with pytest.raises(AssertionError, match="git fetch --unshallow"), previous_version("0" * 40):
        pass
