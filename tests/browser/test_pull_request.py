"""The pull request as a person has it before them: read the plan, merge, and nothing hostile comes to life."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from sandbox.demo import start_runner
from sandbox.engine import Engine
from sandbox.world import FLEET, IMAGES, NODE, SERVER
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.acceptance.test_bump import INGRESS, bump

SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def address(running: Running, number: int) -> str:
    return f"{running.world.hub.url}/{FLEET}/pull/{number}"


def test_read_the_plan_merge_and_see_it_deployed(running: Running, engine: Engine, page: Page) -> None:
    for image, version in IMAGES.items():
        engine.make_image(image, version=version)
    with start_runner(running.world.hub, engine, running.folder, running.service.data):
        _, pull = bump(running)
        page.goto(address(running, pull["number"]))
        expect(page.get_by_role("cell", name="traefik ingress on")).to_be_visible()
        diff = page.get_by_text("+    image: traefik:v3.2").or_(page.get_by_text("traefik:v3.2")).first
        page.locator("details", has_text="traefik").first.click()
        expect(diff).to_be_visible()
        page.get_by_role("button", name="Merge pull request").click()
        expect(page.locator(".state.merged")).to_be_visible()
        word = page.locator("article", has_text=re.compile(rf"{NODE} runs server [0-9a-f]{{7}}"))

        def deployed() -> bool:
            page.reload()
            return word.count() == 1

        until(page, deployed)
        expect(word).to_contain_text(NODE)


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Ask again until it holds; two minutes are a deploy on a slow machine."""
    for _ in range(240):
        if holds():
            return
        page.wait_for_timeout(500)
    raise AssertionError(f"this never came: {page.content()[-2000:]}")


def test_nothing_of_a_hostile_commit_comes_to_life(running: Running, page: Page) -> None:
    world = running.world
    compose = (world.checkouts / "server" / INGRESS).read_text()
    hostile = compose.replace("TRAEFIK_LOG_LEVEL: INFO", f'TRAEFIK_LOG_LEVEL: "{SCRIPT}</details>|`` @everyone"')
    assert hostile != compose
    world.push(
        SERVER, {INGRESS: hostile, "docs/![x](y) <b>.md": SCRIPT}, f"{SCRIPT} @owner fixes #1 `` |\n\n{SCRIPT}"
    )
    pushed = world.git(world.checkouts / "server", "rev-parse", "HEAD")

    def proposed() -> int | None:
        for pull in running.outside.pulls(FLEET):
            if running.outside.pin(FLEET, pull["head"]["sha"]) == pushed:
                return int(pull["number"])
        return None

    page.goto(address(running, eventually("the pull request", proposed)))
    for fold in page.locator("details").all():
        fold.evaluate("one => one.open = true")
    expect(page.get_by_text("<script>alert(2)</script>").first).to_be_visible()
    assert page.locator(".markdown img, .markdown script").count() == 0
    assert page.locator(".markdown a[href*=everyone], .markdown a[href*=owner]").count() == 0


def test_it_fits_a_phone_and_a_desk(running: Running, page: Page) -> None:
    _, pull = bump(running)
    page.goto(address(running, pull["number"]))
    for width in (390, 1200):
        page.set_viewport_size({"width": width, "height": 900})
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide == 0, width
