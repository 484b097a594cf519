"""A node's own folder, outside of every repository: its identity, the keys it trusts, and its record of orders.

node.json          fleet, node name, checkout
keys/*.pem         the public keys whose orders it takes
record.jsonl       a line when an order is begun, when it is about to touch something, and when it is finished;
                   never rewritten
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from bot.agent.errors import NoNodeError, StateAccessError, StateError
from bot.domain.names import CommitSha, NodeName, RepoName, ServiceName, parse_repo_name
from bot.domain.values import StoredValue
from bot.engine.containers import Container
from bot.envelope.keys import PublicKey, PublicKeyError, parse_public_key
from bot.protocol.order import Order
from bot.protocol.outcome import OrderEnd
from bot.storage.handed_lock import LockedError, take_lock
from bot.storage.whole_files import write_whole

LOCK_TIMEOUT = 900  # seconds that an order waits for the one before it


class Identity(StoredValue, frozen=True):
    """Which node this is. `root` is its checkout when an order names none."""

    fleet: RepoName
    node: NodeName
    root: str = ""
    report_only: bool = False  # it takes no order that changes anything
    former: tuple[RepoName, ...] = ()  # names that the fleet's repository had before


class Begun(StoredValue, frozen=True, tag="begun"):
    """Written before anything is touched; from then on the order's number is used up.

    `commit` and `pin` are what the checkout held then, None where it held nothing.
    """

    order: Order
    at: int  # seconds since the epoch
    commit: CommitSha | None = None
    pin: CommitSha | None = None


class Touching(StoredValue, frozen=True, tag="touching"):
    """Written right before the first thing is touched: what has to be there again if this goes wrong."""

    number: int
    before: tuple[Container, ...]


class DeployedService(StoredValue, frozen=True):
    """One service as an order deployed it: its image (the id) and its configuration (compose's hash)."""

    project: str
    service: ServiceName
    image: str
    config: str
    runs: bool = True  # False: a one-shot that had done its work


def deployed_services(containers: Iterable[Container]) -> tuple[DeployedService, ...]:
    """The services of these containers as they are deployed now."""
    return tuple(
        DeployedService(
            project=c.project, service=c.service, image=c.image, config=c.config, runs=c.status == "running"
        )
        for c in containers
    )


class Finished(StoredValue, frozen=True, tag="finished", rename={"deployed": "left"}):
    """Written when nothing more will be done. `commit` and `pin` are what the checkout holds now, if known."""

    number: int
    end: OrderEnd
    text: str
    at: int  # seconds since the epoch
    commit: CommitSha | None = None
    pin: CommitSha | None = None
    deployed: tuple[DeployedService, ...] = ()  # every service of the order's stacks that has a container


Record = Begun | Touching | Finished


class NodeState:
    """The folder at `folder`, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._record = folder / "record.jsonl"

    def read_identity(self) -> Identity:
        """Who this node is, or StateError with how to set it."""
        try:
            return msgspec.json.decode((self.folder / "node.json").read_bytes(), type=Identity)
        except FileNotFoundError:
            raise NoNodeError(
                f"there is no node in {self.folder}: make one with the command that `aios-bot node add` prints, or "
                "name the folder of the one that is here with --state, or by AIOS_BOT_NODE_STATE"
            ) from None
        except OSError as problem:
            raise StateAccessError(self.folder / "node.json", "read", problem) from None
        except msgspec.MsgspecError as problem:
            raise StateError(f"{self.folder / 'node.json'} cannot be read: {problem}") from None

    def read_keys(self) -> tuple[PublicKey, ...]:
        """The trusted keys, by file name. Empty when none is trusted."""
        return tuple(_parse_key(path) for path in sorted((self.folder / "keys").glob("*.pem")))

    def trust(
        self,
        keyfile: Path,
        *,
        fleet: str | None,
        node: str | None,
        root: str | None,
        report_only: bool | None = None,
    ) -> Identity:
        """Trust the key in `keyfile` from now on; the first time, also set the node's identity."""
        key = _parse_key(keyfile)
        known = self.read_identity() if (self.folder / "node.json").exists() else None
        if known is None and not (fleet and node):
            raise StateError("name this node the first time: --fleet OWNER/NAME --node NAME")
        try:
            wanted = Identity(
                fleet=parse_repo_name(fleet) if fleet else known.fleet if known else RepoName(""),
                node=NodeName(node) if node else known.node if known else NodeName(""),
                root=root if root is not None else known.root if known else "",
                report_only=report_only if report_only is not None else bool(known and known.report_only),
                former=known.former if known else (),
            )
        except ValueError as problem:
            raise StateError(str(problem)) from None
        if known is not None and (wanted.fleet, wanted.node) != (known.fleet, known.node):
            raise StateError(
                f"this is {known.node} of {known.fleet} already: run `aios-bot node leave` first to make it another, "
                "or `aios-bot node rename` if that only got another name"
            )
        try:
            (self.folder / "keys").mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(self.folder / "keys" / f"{key.fingerprint}.pem", key.pem.encode())
            self.write_identity(wanted)
        except OSError as problem:
            raise StateAccessError(self.folder, "written", problem) from None
        return wanted

    def write_identity(self, identity: Identity) -> None:
        """Be this node from now on. Raises OSError."""
        write_whole(self.folder / "node.json", msgspec.json.encode(identity))

    @contextlib.contextmanager
    def lock(self, timeout: float = LOCK_TIMEOUT) -> Iterator[None]:
        """One order at a time on this node, over all processes."""
        try:
            held = take_lock(self.folder / "lock", seconds=timeout)
        except LockedError:
            raise StateError(f"another order is still being carried out after {timeout:.0f} s") from None
        except OSError as problem:
            raise StateAccessError(self.folder, "written", problem) from None
        with held:
            yield

    def begin(
        self, order: Order, *, now: float, commit: CommitSha | None = None, pin: CommitSha | None = None
    ) -> None:
        """Use the order's number up, durably, before anything is touched; `commit` and `pin` are checked out now."""
        self._append(Begun(order=order, at=int(now), commit=commit, pin=pin))

    def touch(self, order: Order, before: tuple[Container, ...]) -> None:
        """From now on things change; `before` are the containers of the order's stacks as they are."""
        self._append(Touching(number=order.number, before=before))

    def finish(
        self,
        order: Order,
        end: OrderEnd,
        text: str,
        *,
        now: float,
        commit: CommitSha | None = None,
        pin: CommitSha | None = None,
        deployed: tuple[DeployedService, ...] = (),
    ) -> None:
        """Nothing more will be done for this order."""
        self._append(
            Finished(number=order.number, end=end, text=text, at=int(now), commit=commit, pin=pin, deployed=deployed)
        )

    def read_record(self) -> tuple[Record, ...]:
        """Every whole record of the node that this is now, oldest first: none of a power cut or of another fleet."""
        try:
            lines = self._record.read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return ()
        try:
            records = [msgspec.json.decode(line, type=Record) for line in lines if line.endswith(b"\n")]
        except msgspec.MsgspecError as problem:
            raise StateError(
                f"{self._record} is damaged ({problem}): repair the line, or move the file away and take care "
                "that no old order is sent again"
            ) from None
        return tuple(_own_records(records, self.read_identity() if (self.folder / "node.json").exists() else None))

    def _append(self, record: Record) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._record.open("a+b") as file:
                file.seek(0)
                whole = file.read().rfind(b"\n") + 1
                file.truncate(whole)
                file.write(msgspec.json.encode(record) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as problem:
            raise StateAccessError(self._record, "written", problem) from None


def _own_records(records: Iterable[Record], own: Identity | None) -> Iterator[Record]:
    numbers: dict[int, bool] = {}  # whether the newest order of this number was for `own`
    for record in records:
        if isinstance(record, Begun):
            order, names = record.order, (own.fleet, *own.former) if own else ()
            numbers[order.number] = own is None or (order.fleet in names and order.node == own.node)
        if numbers.get(record.order.number if isinstance(record, Begun) else record.number, True):
            yield record


def used_numbers(records: tuple[Record, ...]) -> frozenset[int]:
    """Every number that was begun."""
    return frozenset(record.order.number for record in records if isinstance(record, Begun))


class Unfinished(NamedTuple):
    """An order that was interrupted: the node lost power, or its process was killed."""

    begun: Begun
    touching: Touching | None  # None: it had touched nothing yet


def find_unfinished(records: tuple[Record, ...]) -> Unfinished | None:
    """The order that was begun and never finished. There is one at most: the next start recovers it first."""
    finished = {record.number for record in records if isinstance(record, Finished)}
    begun = [record for record in records if isinstance(record, Begun) and record.order.number not in finished]
    if not begun:
        return None
    touching = [r for r in records if isinstance(r, Touching) and r.number == begun[-1].order.number]
    return Unfinished(begun[-1], touching[-1] if touching else None)


def find_deployed(records: tuple[Record, ...]) -> dict[tuple[str, ServiceName], DeployedService]:
    """Each service as the newest order that had it in its stacks deployed it, by project and name."""
    found: dict[tuple[str, ServiceName], DeployedService] = {}
    for record in records:
        if isinstance(record, Finished):
            found |= {(one.project, one.service): one for one in record.deployed}
    return found


def is_after_failure(records: tuple[Record, ...]) -> bool:
    """Whether the newest order that touched something failed and could not be rolled back."""
    read_only = {r.order.number for r in records if isinstance(r, Begun) and r.order.kind.reads_only}
    ends = (r.end for r in reversed(records) if isinstance(r, Finished) and r.number not in read_only)
    return next((end for end in ends if end not in (OrderEnd.REFUSED, OrderEnd.UNTOUCHED)), None) is OrderEnd.FAILED


def find_last_good(records: tuple[Record, ...]) -> Order | None:
    """The newest order that changed something and succeeded: what a rollback returns to.

    An order may be for a few stacks only: the others are added as the orders before it had them.
    """
    succeeded = {r.number for r in records if isinstance(r, Finished) and r.end is OrderEnd.SUCCESS}
    changed = (r.order for r in records if isinstance(r, Begun) and not r.order.kind.reads_only)
    good = [order for order in changed if order.number in succeeded]
    if not good:
        return None
    stacks = {stack.project: stack for order in good for stack in order.stacks}
    own = {stack.project for stack in good[-1].stacks}
    others = (stack for project, stack in stacks.items() if project not in own)
    return replace(good[-1], stacks=(*good[-1].stacks, *others))


def _parse_key(path: Path) -> PublicKey:
    try:
        return parse_public_key(path.read_bytes())
    except OSError as problem:
        raise StateAccessError(path, "read", problem) from None
    except PublicKeyError as problem:
        raise StateError(f"{path} is {problem}") from None
