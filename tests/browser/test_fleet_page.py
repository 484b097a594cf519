"""A person signs in with the embedded GitHub in a real browser, and sees the page follow a real deploy by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from bot.domain.names import RepoName
from bot.features.fleets.store import PinStore
from bot.features.rollout.decide.rollout import Standing
from bot.features.rollout.store import RolloutStore
from bot.service.database import open_store
from bot.storage.keyfiles import read_or_make_fingerprint_key
from sandbox.demo import start_runner
from sandbox.engine import Engine
from sandbox.service import Service, free_port, start_service
from sandbox.world import FLEET, IMAGES, NODE
from tests.acceptance.conftest import Running, settings_of
from tests.acceptance.outside import eventually
from tests.acceptance.test_bump import bump
from tests.unit.web.test_fleets import HOSTILE, standings


@pytest.fixture
def signing(running: Running) -> Iterator[Service]:
    """The world's service, whose pages need signing in."""
    running.service.stop()
    running.world.hub.set_callbacks(running.world.app, "http://127.0.0.1/sign-in/callback")
    running.world.hub.set_permission(FLEET, "owner", "write")
    secret = running.world.app.client_secret
    pages = {"GITHUB_CLIENT_SECRET": secret, "PORT": str(free_port())}
    service = start_service(settings_of(running, **pages))
    try:
        store = open_store(f"sqlite:///{service.data / 'aios-bot.sqlite3'}")
        eventually("the fleet in the index", lambda: PinStore(store).pins_of(RepoName(FLEET)), seconds=60)
        store.close()
        yield service
    finally:
        service.stop()


def test_sign_in_then_the_page_follows_what_happens(running: Running, signing: Service, page: Page) -> None:
    store = open_store(f"sqlite:///{signing.data / 'aios-bot.sqlite3'}")
    fleets = RolloutStore(store, page_key=read_or_make_fingerprint_key(signing.data / "keys"))
    status = standings(fleet=RepoName(FLEET))
    fleets.save(status)
    page.goto(f"{signing.url}/fleets/{FLEET}")
    expect(page).to_have_url(f"{signing.url}/sign-in?next=%2Ffleets%2F{FLEET.replace('/', '%2F')}")
    page.get_by_role("link", name="Sign in with GitHub").click()
    page.get_by_role("button", name="Authorize").click()
    expect(page).to_have_url(f"{signing.url}/fleets/{FLEET}")
    expect(page.get_by_role("heading", level=2).first).to_contain_text("1 of 2 nodes run server")
    expect(page.get_by_text(HOSTILE)).to_be_visible()
    assert page.locator("td script, td img").count() == 0
    page.evaluate("window.here = 1")
    fleets.save(replace(status, nodes=(status.nodes[0], replace(status.nodes[1], standing=status.nodes[0].standing))))
    expect(page.get_by_role("heading", level=2).first).to_contain_text("2 of 2 nodes run server", timeout=15_000)
    assert page.evaluate("window.here") == 1, "the page was not loaded again"
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide == 0, width
    left_open = page.context.new_page()
    left_open.goto(f"{signing.url}/fleets/{FLEET}")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{signing.url}/")
    again = left_open.get_by_role("link", name="Sign in again")
    expect(again).to_be_visible(timeout=15_000)
    assert again.get_attribute("href") == f"/sign-in?next=/fleets/{FLEET}"
    expect(left_open.get_by_role("heading", level=2).first).to_contain_text("2 of 2 nodes run server")
    expect(left_open.get_by_role("heading", level=1)).to_have_count(1)
    left_open.route("**/state", lambda route: route.fulfill(status=502, body="<h1>Bad Gateway</h1>"))
    expect(left_open.get_by_text("The service does not answer")).to_be_visible(timeout=15_000)
    expect(again).to_be_hidden()
    expect(left_open.get_by_role("heading", level=1)).to_have_count(1)
    left_open.close()
    page.goto(f"{signing.url}/fleets/{FLEET}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    store.close()
    assert running.world.hub.user_tokens(running.world.app) == 0


def test_revoking_the_app_on_github_signs_the_person_out(running: Running, signing: Service, page: Page) -> None:
    world = running.world
    world.hub.set_webhook(world.app, f"{signing.url}/webhook", running.secret)
    page.goto(f"{signing.url}/fleets")
    page.get_by_role("link", name="Sign in with GitHub").click()
    page.get_by_role("button", name="Authorize").click()
    expect(page.get_by_role("link", name=FLEET)).to_be_visible()
    world.hub.revoke_authorization(world.app, "owner")

    def signed_out() -> bool:
        page.goto(f"{signing.url}/fleets")
        return "/sign-in" in page.url

    assert eventually("the end of the session", signed_out, seconds=30)


def test_an_open_page_follows_a_real_deploy(running: Running, signing: Service, engine: Engine, page: Page) -> None:
    hub = running.world.hub
    for image, version in IMAGES.items():
        engine.make_image(image, version=version)
    hub.set_webhook(running.world.app, f"{signing.url}/webhook", running.secret)
    store = open_store(f"sqlite:///{signing.data / 'aios-bot.sqlite3'}")
    fleets = RolloutStore(store, page_key=read_or_make_fingerprint_key(signing.data / "keys"))
    with start_runner(hub, engine, running.folder, signing.data):
        pushed, pull = bump(running)
        page.goto(f"{signing.url}/fleets")
        page.get_by_role("link", name="Sign in with GitHub").click()
        page.get_by_role("button", name="Authorize").click()
        page.get_by_role("link", name=FLEET).click()
        expect(page.get_by_text("Nothing was deployed here by the bot yet")).to_be_visible()
        page.evaluate(_WATCH)
        github = page.context.new_page()
        github.goto(f"{hub.url}/{FLEET}/pull/{pull['number']}")
        github.get_by_role("button", name="Merge pull request").click()
        expect(github.locator(".state.merged")).to_be_visible()
        own_page = fleets.page_of(RepoName(FLEET))
        grid = page.get_by_role("heading", name=f"1 of 1 nodes run server {pushed[:7]}")

        def is_stored() -> bool:
            return any(node.standing is Standing.GOOD for one in fleets.find(own_page) for node in one.nodes)

        until(page, is_stored)
        stored = time.monotonic()
        until(page, lambda: grid.count() == 1)
        taken = time.monotonic() - stored
    chips = page.evaluate("window.chips")
    print(f"\n{NODE} in the grid: {', '.join(chips)}; the end was seen after {taken:.1f} s (limit 5)")
    assert taken < 10, "on a loaded machine"
    assert chips[-1] == "runs it"
    assert len(chips) > 1, "it was seen on its way"
    assert page.get_by_role("row", name=NODE).count() == 1
    assert page.evaluate("window.here") == 1, "the page was not loaded again"
    store.close()


_WATCH = """() => {
  window.here = 1; window.chips = [];
  new MutationObserver(() => {
    const chip = document.querySelector('table.nodes .chip')?.textContent;
    if (chip && chip !== window.chips.at(-1)) window.chips.push(chip);
  }).observe(document.body, {childList: true, subtree: true, characterData: true, attributes: true});
}"""


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Look ten times a second until it holds; two minutes are a deploy on a slow machine."""
    for _ in range(1200):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"this never came: {page.content()[-2000:]}")
