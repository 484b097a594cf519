"""A page of each kind that the embedded GitHub shows, in a real browser."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from urllib.parse import urljoin

from playwright.sync_api import Browser

from sandbox.world import FLEET, PERSON, SERVER
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.acceptance.test_bump import INGRESS, bump
from tests.acceptance.test_pages import Reader, get
from tests.browser.looking import LOOKS, PICTURES, look_at

_KINDS = {
    "home": "/",
    "account": "/(?!new$|docs$)[^/]+",
    "repository": "/(?!apps/)[^/]+/[^/]+",
    "folder": "/.+/tree/.+",
    "file": "/.+/blob/.+",
    "commits": "/.+/commits(/[^/]+)?",
    "commit": "/.+/commit/[^/]+",
    "compare": "/.+/compare/.+",
    "pulls": "/.+/pulls",
    "pull": r"/.+/pull/\d+",
    "pull-files": r"/.+/pull/\d+/files",
    "issues": "/.+/issues",
    "issue": r"/.+/issues/\d+",
    "check": r"/[^/]+/[^/]+/runs/\d+",
    "runs": "/.+/actions",
    "run": r"/.+/actions/runs/\d+",
    "deployments": "/.+/deployments",
    "runners": "/.+/settings/actions/runners",
    "new": "/new",
    "app": "/apps/[^/]+",
    "installation": r"/settings/installations/\d+",
    "docs": "/docs",
}


def test_each_kind_is_accessible_and_fits(running: Running, browser: Browser) -> None:
    hub, outside = running.world.hub, running.outside
    _, pull = bump(running)
    hub.comment(FLEET, pull["number"], "Is `stacks/ingress` meant?", by=PERSON)
    outside.send("POST", f"/repos/{FLEET}/issues", {"title": "A node is slow", "body": "- [ ] look"})
    hub.merge_pull(FLEET, pull["number"], by=PERSON)
    eventually("the workflow run", lambda: outside.get(f"/repos/{FLEET}/actions/runs")["workflow_runs"])
    checks = outside.get(f"/repos/{FLEET}/commits/{pull['head']['sha']}/check-runs")["check_runs"]
    starts = [
        f"{hub.url}{path}"
        for path in ("/", f"/{FLEET}/issues", f"/{SERVER}/blob/main/{INGRESS}", f"/{SERVER}/tree/main/stacks")
    ]
    starts += [f"{hub.url}/settings/installations/{running.world.installation}", f"{hub.url}/docs"]
    starts += [f"{hub.url}/apps/{running.world.app.slug}", *(one["html_url"] for one in checks)]
    found = {f"github-{kind}": address for kind, address in _find_one_of_each(hub.url, starts).items()}
    assert set(_KINDS) == {name.removeprefix("github-") for name in found}
    found["github-not-found"] = f"{hub.url}/nobody/nothing"
    for scheme, width in LOOKS if PICTURES else LOOKS[:1]:
        look_at(browser, found, scheme, width, without=[".markdown"])  # whose text is not these pages' own


def _find_one_of_each(home: str, starts: Sequence[str]) -> dict[str, str]:
    """The address of one page of each kind, found by links."""
    found: dict[str, str] = {}
    left = deque(starts)
    while left:
        address = left.popleft().partition("#")[0]
        path = address.removeprefix(home).partition("?")[0] or "/"
        kinds = [kind for kind, pattern in _KINDS.items() if kind not in found and re.fullmatch(pattern, path)]
        if address.startswith(home) and kinds:
            found[kinds[-1]] = address
            left.extend(urljoin(address, link) for link in Reader(get(address).text).links)
    return found
