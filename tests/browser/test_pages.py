"""Every page in every named state, in a real browser: axe finds nothing, nothing is too wide, the console is quiet.

`make verify-pages` looks at all of them at both widths in both schemes, and keeps their pictures.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.serving import serve_states
from tests.openapi import MODULES

AXE = MODULES / "axe-core/axe.min.js"
PICTURES = os.environ.get("AIOS_BOT_PAGE_PICTURES", "")  # a folder; then every state is looked at in every way
LOOKS = [("dark", 390), ("light", 1280), ("light", 390), ("dark", 1280)][: 4 if PICTURES else 2]
_AXE = "() => axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations.map((v) => \
[v.id, v.nodes.slice(0, 3).map((n) => n.html)]))"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The addresses of all states, on one server."""
    with serve_states(tmp_path_factory.mktemp("pages")) as found:
        yield found


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_every_state_is_accessible_fits_and_is_quiet(
    browser: Browser, pages: dict[str, str], scheme: str, width: int
) -> None:
    assert len(pages) >= 12
    assert AXE.is_file(), "axe is missing: run tools/setup test"
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,  # axe is put into the page; that the policy holds is another test
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    said: list[str] = []
    page.on("pageerror", lambda problem: said.append(f"error: {problem}"))
    page.on(
        "console", lambda one: said.append(f"{one.type}: {one.text} {one.location}") if one.type == "error" else None
    )
    found: dict[str, object] = {}
    for name, address in pages.items():
        page.goto(address)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        page.add_script_tag(path=AXE)
        problems = page.evaluate(_AXE)
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if problems or too_wide:
            found[name] = problems, too_wide
        if PICTURES:
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(PICTURES) / f"{name}-{scheme}-{width}.png", full_page=True)
    context.close()
    assert found == {}
    assert [one for one in said if "status of 404" not in one] == []


def test_a_hostile_page_runs_nothing_and_a_command_is_copied(page: Page, pages: dict[str, str]) -> None:
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => { for (const one of list.getEntries()) "
        "window.shift += one.value; }).observe({type: 'layout-shift', buffered: true});"
    )
    for name in ("hostile", "node-hostile"):
        page.goto(pages[name])
        expect(page).to_have_title("acme/aios-hostile" if name == "hostile" else "AIOS · acme/aios-hostile")
        assert page.locator("main script, main img").count() == 0
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(pages["refused"])
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "/deploy AIOS plan 9f2e00aa11bb"
    page.goto(pages["hundred-stacks"])
    assert page.evaluate("window.shift") == 0


def test_without_javascript_everything_is_there(browser: Browser, pages: dict[str, str]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(pages["failing"])
    expect(page.get_by_text("/retry")).to_be_visible()
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    expect(page.get_by_role("img")).to_have_count(0)
    page.get_by_role("link", name="AIOS", exact=True).first.click()
    page.get_by_text("succeeded").first.click()
    expect(page.get_by_text("order 9000 at")).to_be_visible()
    context.close()
