"""What is stored or sent comes back whole, without what is not set, and is read when a later version wrote it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.values import StoredValue, Value
from tests.stored_values import LATER, stored_types, structs_within, values_of, with_later_fields

STORED = stored_types()
each = pytest.mark.parametrize("kind", STORED, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")


class Small(StoredValue, frozen=True):
    name: str
    note: str = ""
    pull: int | None = None
    stacks: tuple[str, ...] = ()
    locked: bool = False


class Local(Value, frozen=True):
    name: str


def test_what_is_stored_or_sent_is_known() -> None:
    """A value that leaves the process belongs here: then the tests below hold for it."""
    assert {kind.__name__ for kind in STORED if kind.__module__.startswith("bot.protocol")} == {
        "AgentRelease",
        "Difference",
        "DiskSpace",
        "Hook",
        "Invitation",
        "Order",
        "PlanStart",
        "Report",
        "RunnerDownload",
        "ServiceOrder",
        "ServiceOutcome",
        "StackOrder",
        "_Requirements",
    }
    names = {kind.__name__ for kind in STORED}
    assert {"Plan", "OrderRequest", "Pinned", "RolloutStatus", "AuditRecord", "CommandRecord"} <= names
    assert {"Lock", "Hold", "SyncBump", "RunCommand", "Begun", "Touching", "Finished", "Identity"} <= names
    assert len(STORED) > 60


@each
def test_what_a_stored_value_holds_is_stored_too(kind: type[StoredValue]) -> None:
    assert [one for one in structs_within(kind) if not issubclass(one, StoredValue)] == []


@each
@settings(max_examples=6)
@given(data=st.data())
def test_a_stored_value_comes_back_also_when_a_later_version_wrote_it(
    kind: type[StoredValue], data: st.DataObject
) -> None:
    value = data.draw(values_of(kind))
    assert msgspec.json.decode(msgspec.json.encode(value), type=kind) == value
    later = msgspec.json.encode(with_later_fields(value))
    assert LATER.encode() in later
    assert msgspec.json.decode(later, type=kind) == value


def test_what_is_not_set_is_not_written() -> None:
    assert msgspec.json.encode(Small(name="a")) == b'{"name":"a"}'
    whole = Small(name="a", note="b", pull=0, stacks=("c",), locked=True)
    assert msgspec.json.encode(whole) == b'{"name":"a","note":"b","pull":0,"stacks":["c"],"locked":true}'


def test_a_value_that_stays_here_has_the_fields_it_names_and_no_others() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"name":"a","more":1}', type=Local)
    with pytest.raises(AttributeError):
        Local(name="a").name = "b"  # type: ignore[misc]  # that it is refused is the point
