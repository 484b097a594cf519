"""The page of a plan, read in a real browser under the service's own content security policy."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from sandbox.world import FLEET, NODE, SERVER
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.acceptance.test_bump import INGRESS, bump

SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def open_plan(running: Running, page: Page, head: str) -> None:
    check = eventually("the plan", lambda: running.outside.checks(FLEET, head).get("aios/plan"), seconds=60)
    page.goto(f"{running.service.url}/plans/{check['external_id']}")


def test_it_is_read_in_ten_seconds_on_a_phone_and_on_a_desk(running: Running, page: Page) -> None:
    _, pull = bump(running)
    open_plan(running, page, pull["head"]["sha"])
    expect(page.get_by_role("heading", level=1)).to_have_text("1 service changed")
    row = page.get_by_role("row", name="traefik")
    expect(row).to_contain_text("traefik:v3.2")
    expect(row).to_contain_text(NODE)
    page.get_by_text("ingress / traefik").click()
    expect(page.locator(".diff .added").first).to_be_visible()
    style = "getComputedStyle(document.querySelector('.verdict')).borderLeftStyle"
    assert page.evaluate(style) == "solid", "the policy keeps the page's own style out"
    for width in (390, 1200):
        page.set_viewport_size({"width": width, "height": 900})
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide == 0, width


def test_nothing_hostile_comes_to_life_there(running: Running, page: Page) -> None:
    world = running.world
    compose = (world.checkouts / "server" / INGRESS).read_text()
    hostile = compose.replace("TRAEFIK_LOG_LEVEL: INFO", f'TRAEFIK_LOG_LEVEL: "{SCRIPT}"')
    pushed = world.push(SERVER, {INGRESS: hostile, "docs/<b>.md": SCRIPT}, SCRIPT)

    def head() -> str:
        found = [p["head"]["sha"] for p in running.outside.pulls(FLEET)]
        return next((sha for sha in found if running.outside.pin(FLEET, sha) == pushed), "")

    open_plan(running, page, eventually("the pull request", head))
    expect(page.get_by_text(SCRIPT).first).to_be_attached()
    assert page.locator("img, script").count() == 0
