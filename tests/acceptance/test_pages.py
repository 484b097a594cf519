"""The embedded GitHub's pages, as somebody reads them who follows every link: no browser, no engine."""

from __future__ import annotations

from collections import deque
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urldefrag, urljoin

import pytest
import requests

from sandbox.github import EmbeddedGitHub
from sandbox.world import FLEET, PERSON, SERVER
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.acceptance.test_bump import BRANCH, bump

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Reader(HTMLParser):
    """The links of a page, the ids in it, and where its forms go."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.actions: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids.update(filter(None, [given.get("id")]))
        self.actions += filter(None, [given.get("action")])
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")


def get(url: str) -> requests.Response:
    return requests.get(url, headers=BROWSER, timeout=30)


def post(url: str, **fields: str) -> requests.Response:
    """Press a button of a page."""
    headers = BROWSER | {"Origin": url.split("/", 3)[0] + "//" + url.split("/", 3)[2]}
    return requests.post(url, data=fields, headers=headers, timeout=30)


def follow(home: str, *starts: str) -> dict[str, Reader]:
    """Every page that is reached from `starts` below `home`; each is a page, and the line is there."""
    pages: dict[str, Reader] = {}
    left = deque((start, "the start") for start in starts)
    while left:
        link, source = left.popleft()
        url, fragment = urldefrag(link)
        if not url.startswith(home):
            continue
        if url not in pages:
            answer = get(url)
            assert answer.status_code == 200, f"{source} links {url}: {answer.status_code} {answer.text[:300]}"
            assert answer.headers["Content-Type"].startswith("text/html"), f"{source} links {url}"
            pages[url] = Reader(answer.text)
            left.extend((urljoin(answer.url, one), url) for one in pages[url].links)
        if fragment:
            assert fragment in pages[url].ids, f"{source} links {link}, and there is no such place on the page"
    return pages


def test_every_link_of_every_page_answers_with_a_page(running: Running) -> None:
    hub, outside = running.world.hub, running.outside
    _, pull = bump(running)
    number = pull["number"]
    comment = hub.comment(FLEET, number, "Is `stacks/ingress` meant?", by=PERSON)
    outside.send("POST", f"/repos/{FLEET}/issues/comments/{comment}/reactions", {"content": "rocket"})
    hub.merge_pull(FLEET, number, by=PERSON)
    branches = f"{hub.url}/api/v3/repos/{FLEET}/branches/{BRANCH}"
    eventually(
        "the end of the merged branch", lambda: requests.get(branches, timeout=30).status_code == 404, seconds=120
    )
    page = f"{hub.url}/{FLEET}/pull/{number}"
    assert "🚀 1" in get(page).text
    pages = follow(hub.url, f"{hub.url}/")
    assert len(pages) > 60
    for path in (
        f"/{SERVER}",
        f"/{SERVER}/blob/main/stacks/ingress/docker-compose.yml",
        f"/{SERVER}/tree/main/stacks",
        f"/{FLEET}/pull/{number}/files",
        f"/{FLEET}/actions",
        f"/{FLEET}/deployments",
        f"/{FLEET}/settings/actions/runners",
        "/Tecnocrat",
        "/new",
    ):
        assert f"{hub.url}{path}" in pages, path
    assert any("/compare/" in url and f"/{SERVER}/" in url for url in pages), "the pin's comparison is not linked"
    assert any("/runs/" in url for url in pages)
    found = outside.get("/repos/" + FLEET + "/commits/main/check-runs")["check_runs"]
    follow(hub.url, *(one["html_url"] for one in found), f"{hub.url}/apps/{running.world.app.slug}")
    follow(hub.url, f"{hub.url}/settings/installations/{running.world.installation}", f"{hub.url}/docs")


@pytest.fixture
def alone(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedGitHub:
    """An embedded GitHub without repositories."""
    return EmbeddedGitHub(tmp_path_factory.mktemp("github"))


def test_a_repository_is_created_by_its_page_and_takes_a_push(alone: EmbeddedGitHub) -> None:
    with alone as hub:
        hub.start()
        token = hub.create_user(PERSON)
        made = post(f"{hub.url}/new", owner=PERSON, name="notes", visibility="private")
        assert made.url == f"{hub.url}/{PERSON}/notes"
        assert f"git remote add origin {hub.url}/{PERSON}/notes.git" in made.text
        headers = {"Authorization": f"Bearer {token}"}
        found = requests.get(f"{hub.url}/api/v3/repos/{PERSON}/notes", headers=headers, timeout=30).json()
        assert (found["private"], found["default_branch"]) == (True, "main")
        again = post(f"{hub.url}/new", owner=PERSON, name="NOTES")
        assert again.status_code == 422
        assert "already exists" in again.text
        assert post(f"{hub.url}/new", owner="somebody", name="notes").status_code == 404
        assert post(f"{hub.url}/new", owner=PERSON, name="a/b").status_code == 422
        elsewhere = requests.post(f"{hub.url}/new", data={"owner": PERSON, "name": "x"}, timeout=30)
        assert elsewhere.status_code == 403, "a form of another site"


def test_what_is_not_there_is_a_page_for_a_browser_and_json_for_a_program(alone: EmbeddedGitHub) -> None:
    with alone as hub:
        hub.start()
        for path in ("/nobody/nothing", "/nobody", "/nobody/nothing/pull/1", "/a/b/c/d/e"):
            shown = get(f"{hub.url}{path}")
            assert shown.status_code == 404
            assert shown.headers["Content-Type"].startswith("text/html"), path
            assert "<h1>404</h1>" in shown.text
        for path in ("/api/v3/repos/nobody/nothing", "/api/v3/nowhere"):
            answered = get(f"{hub.url}{path}")
            assert answered.json()["message"] == "Not Found"


def test_approve_counts_as_the_visitors_review(alone: EmbeddedGitHub) -> None:
    with alone as hub:
        hub.start()
        person, author = hub.create_user(PERSON), hub.create_user("author")
        full_name = f"{PERSON}/notes"
        hub.create_repository(full_name)
        hub.set_permission(full_name, "author", "write")
        hub.set_permission(full_name, PERSON, "admin")
        number = _open_pull(hub, full_name, author)
        own = _open_pull(hub, full_name, person, branch="mine")
        page = f"{hub.url}/{full_name}/pull/{number}"
        assert f"/{full_name}/pull/{number}/approve" in Reader(get(page).text).actions
        shown = post(f"{page}/approve")
        assert shown.url == page
        headers = {"Authorization": f"Bearer {author}"}
        (review,) = requests.get(
            f"{hub.url}/api/v3/repos/{full_name}/pulls/{number}/reviews", headers=headers, timeout=30
        ).json()
        assert (review["user"]["login"], review["state"]) == (PERSON, "APPROVED")
        assert f"<b>{PERSON}</b> approved" in shown.text
        assert not any("approve" in one for one in Reader(get(f"{hub.url}/{full_name}/pull/{own}").text).actions)
        assert post(f"{hub.url}/{full_name}/pull/{own}/approve").status_code == 422


def _open_pull(hub: EmbeddedGitHub, full_name: str, token: str, *, branch: str = "change") -> int:
    """Open a pull request with one commit of its own, by REST."""
    headers = {"Authorization": f"Bearer {token}"}
    git = f"{hub.url}/api/v3/repos/{full_name}/git"

    def send(url: str, body: dict[str, Any]) -> dict[str, str]:
        answer = requests.post(url, json=body, headers=headers, timeout=30)
        assert answer.ok, answer.text
        found: dict[str, str] = answer.json()
        return found

    def commit(text: str, *parents: str) -> str:
        tree = send(f"{git}/trees", {"tree": [{"path": "note", "mode": "100644", "type": "blob", "content": text}]})
        return send(f"{git}/commits", {"message": text, "tree": tree["sha"], "parents": list(parents)})["sha"]

    known = requests.get(f"{git}/ref/heads/main", headers=headers, timeout=30)
    base = known.json()["object"]["sha"] if known.ok else commit("first")
    if not known.ok:
        send(f"{git}/refs", {"ref": "refs/heads/main", "sha": base})
    send(f"{git}/refs", {"ref": f"refs/heads/{branch}", "sha": commit(branch, base)})
    made = send(
        f"{hub.url}/api/v3/repos/{full_name}/pulls", {"title": branch, "head": branch, "base": "main", "body": ""}
    )
    return int(made["number"])
