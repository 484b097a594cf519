"""A real browser, which reaches nothing but this machine, and notes what a page should not do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, sync_playwright

from tests.acceptance.conftest import running

__all__ = ["running"]

_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)


@pytest.fixture(scope="module")  # no longer: while it is there, its event loop counts as running in this thread
def browser() -> Iterator[Browser]:
    """Chromium of the machine, without a window."""
    program = shutil.which("chromium")
    assert program, "chromium is missing: run tools/setup test"
    with sync_playwright() as playwright:
        # As root, as in a container, Chromium has no sandbox of its own.
        browser = playwright.chromium.launch(executable_path=program, args=[*_QUIET, "--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a context of its own; at the end nothing may have gone wrong in it."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    wrong: list[str] = []

    def on_dialog(dialog: Dialog) -> None:
        wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def on_console(said: ConsoleMessage) -> None:
        if said.type == "error":
            wrong.append(f"console: {said.text} ({said.location})")

    def on_request(asked: Request) -> None:
        if not asked.url.startswith(("http://127.0.0.1:", "data:")):
            wrong.append(f"left this machine: {asked.url}")

    page.on("pageerror", lambda problem: wrong.append(f"error: {problem}"))
    page.on("dialog", on_dialog)
    page.on("console", on_console)
    page.on("request", on_request)
    yield page
    context.close()
    assert wrong == []
