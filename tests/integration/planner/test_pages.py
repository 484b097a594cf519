"""Real-looking bumps read as before, and their first screen tells what a reviewer must know."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.pages import FOLDER, PAGES, render_page

SCREEN = 24  # lines of Markdown, about what a browser shows without scrolling

FIRST: dict[str, tuple[str, ...]] = {
    "auth-removed": (
        "1 risky",
        "ingress/traefik.yml#L7",
        "-      middlewares: [login@file]",
        "+  insecure: true",
    ),
    "seventeen-services": (
        "17 services recreated",
        "postgres changes its major version, 15.8 to 16.4",
        "listens on 0.0.0.0 instead of 127.0.0.1",
    ),
    "two-nodes": ("2 services recreated on 2 of 2 nodes", "dns on HP_LAB ", "ingress on HP_LAB, PI "),
    "first-deploy": ("First deploy: 2 services created", "gets the engine's socket"),
    "unreadable-stack": ("⛔ **1 stack could not be analysed**", "will not deploy to HP_LAB", "'port' not allowed"),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_reads_as_before_and_begins_with_what_matters(name: str, tmp_path: Path) -> None:
    page = render_page(PAGES[name], tmp_path)
    assert (FOLDER / f"{name}.md").read_text(encoding="utf-8") == page, "python -m tests.golden.pages, read the diff"
    first = "\n".join(page.splitlines()[:SCREEN])
    for words in FIRST[name]:
        assert words in first, words
