"""Every page in every named state, in a real browser: axe finds nothing, nothing is too wide, the console is quiet.

`make verify-pages` looks at all of them at both widths in both schemes, and keeps their pictures.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import LOOKS, look_at
from tests.browser.serving import serve_states


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
    look_at(browser, pages, scheme, width)


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
