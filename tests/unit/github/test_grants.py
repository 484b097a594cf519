"""What an account granted: within it, lacking from it, and for how long it is believed."""

from __future__ import annotations

from bot.domain.names import InstallationId
from bot.github import manifest
from bot.github.connection.grants import KEPT, KEPT_WHILE_LACKING, Account, Grants, Installation

SEVEN = InstallationId(7)
WITHOUT_MEMBERS = {name: level for name, level in manifest.permissions().items() if name != "members"}


def test_of_what_is_wanted_only_the_granted_is_requested_at_the_lower_level() -> None:
    granted = Installation(id=7, permissions={"contents": "read", "checks": "write", "pull_requests": "sideways"})
    wanted = {"checks": "read", "contents": "write", "members": "read", "pull_requests": "write"}
    assert granted.within(wanted) == (("checks", "read"), ("contents", "read"))


def test_a_personal_account_lacks_no_permission_of_organizations() -> None:
    person = Installation(id=7, permissions=WITHOUT_MEMBERS, account=Account("ada", "User"))
    company = Installation(id=7, permissions=WITHOUT_MEMBERS, account=Account("acme", "Organization"))
    assert person.lacking == ()
    assert [one.name for one in company.lacking] == ["members"]


def test_an_installation_is_read_again_sooner_while_something_is_missing() -> None:
    now, reads = [0.0], []

    def read(number: InstallationId) -> Installation:
        reads.append(number)
        return Installation(id=7, permissions=WITHOUT_MEMBERS if len(reads) < 3 else manifest.permissions())

    grants = Grants(read, clock=lambda: now[0])
    for moment in (0.0, KEPT_WHILE_LACKING - 1, KEPT_WHILE_LACKING, 2 * KEPT_WHILE_LACKING, KEPT):
        now[0] = moment
        grants.get(SEVEN)
    assert len(reads) == 3
    now[0] = 2 * KEPT_WHILE_LACKING + KEPT
    grants.get(SEVEN)
    assert len(reads) == 4
    grants.forget(SEVEN)
    grants.get(SEVEN)
    assert len(reads) == 5
