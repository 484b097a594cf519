"""The page of a plan, read in a real browser under the service's own content security policy."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect

from sandbox.world import FLEET, NODE, SERVER
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.acceptance.test_bump import INGRESS, bump
from tests.browser.serving import serve_states

PICTURES = os.environ.get("AIOS_BOT_PAGE_PICTURES", "")
SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def open_plan(running: Running, page: Page, head: str) -> None:
    check = eventually("the plan", lambda: running.outside.checks(FLEET, head).get("aios/plan"), seconds=60)
    page.goto(f"{running.service.url}/plans/{check['external_id']}")


def test_it_is_read_in_ten_seconds_on_a_phone_and_on_a_desk(running: Running, page: Page) -> None:
    _, pull = bump(running)
    open_plan(running, page, pull["head"]["sha"])
    expect(page.get_by_role("heading", level=1)).to_have_text("1 service changed")
    row = page.get_by_role("row", name="traefik ingress")
    expect(row).to_contain_text("traefik:v3.2")
    expect(row).to_contain_text(NODE)
    expect(page.locator(".sides .added").first).to_be_visible()  # the only difference is open
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


def test_the_two_sides_are_read_on_a_phone_and_a_hundred_stacks_are_there_at_once(
    browser: Browser, tmp_path: Path
) -> None:
    with serve_states(tmp_path) as pages:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.add_init_script(
            "window.shift = 0; new PerformanceObserver((list) => { for (const one of list.getEntries()) "
            "window.shift += one.value; }).observe({type: 'layout-shift', buffered: true});"
        )
        page.goto(pages["plan-hundred"])
        expect(page.get_by_role("row")).to_have_count(101)
        first = page.wait_for_function("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
        painted = first.json_value()
        size = page.evaluate("performance.getEntriesByType('navigation')[0].decodedBodySize")
        print(f"\nthe plan of 100 stacks: {size / 1000:.0f} kB, first paint after {painted:.0f} ms (limit 1000)")
        assert size < 300_000
        assert painted < 1000 or not PICTURES, "where nothing else uses the machine: make verify-pages"
        assert page.evaluate("window.shift") == 0
        context.close()
        context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=False)
        page = context.new_page()
        page.goto(pages["plan"])
        old, new = page.locator(".sides .removed").first, page.locator(".sides .added").first
        beside = place(old), place(new)
        assert beside[0][1] == beside[1][1]
        assert beside[0][0] < beside[1][0]
        page.set_viewport_size({"width": 390, "height": 900})
        below = place(old), place(new)
        assert below[0][1] < below[1][1]
        assert below[0][0] == below[1][0]
        expect(page.get_by_text('"command": null')).to_have_count(2)
        expect(page.locator(".sides td[aria-hidden]").first).to_be_hidden()
        page.goto(pages["plan-deployed"])
        page.get_by_label("Node").select_option("PI")
        page.get_by_label("Risk").select_option("at least a notice")
        page.get_by_role("button", name="Filter").click()
        expect(page.get_by_text("1 of 3 rows")).to_be_visible()
        context.close()


def place(found: Locator) -> tuple[float, float]:
    """How far from the left and from the top it is drawn, in pixels."""
    box = found.bounding_box()
    assert box, "it is not shown"
    return box["x"], box["y"]
