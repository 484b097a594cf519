"""Look at pages in a real browser: axe finds nothing, nothing is too wide, the console is quiet."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from playwright.sync_api import Browser

from tests.openapi import MODULES

AXE = MODULES / "axe-core/axe.min.js"
PICTURES = os.environ.get("AIOS_BOT_PAGE_PICTURES", "")  # a folder; then every page is looked at in every way
LOOKS = [("dark", 390), ("light", 1280), ("light", 390), ("dark", 1280)][: 4 if PICTURES else 2]
_AXE = "(without) => axe.run({exclude: without}, {resultTypes: ['violations']}).then((r) => r.violations.map((v) => \
[v.id, v.nodes.slice(0, 3).map((n) => n.html)]))"


def look_at(
    browser: Browser, pages: Mapping[str, str], scheme: str, width: int, *, without: Sequence[str] = ()
) -> None:
    """Open each page with all that it folds away. `pages`: addresses by the names of their pictures.

    `without`: selectors of what axe passes over.
    """
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
        problems = page.evaluate(_AXE, list(without))
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if problems or too_wide:
            found[name] = problems, too_wide
        if PICTURES:
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(PICTURES) / f"{name}-{scheme}-{width}.png", full_page=True)
    context.close()
    assert not found, found
    loud = [one for one in said if "status of 404" not in one]
    assert not loud, loud
