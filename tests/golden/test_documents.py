"""The reference pages are as the code makes them; `make docs` updates them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.docs.pages import PAGES, write_pages

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_up_to_date(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


def test_every_page_is_written(tmp_path: Path) -> None:
    for name in PAGES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    write_pages(tmp_path)
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert written == set(PAGES)


def test_every_page_that_claims_to_be_made_from_the_code_is() -> None:
    claims = {
        page for page in (ROOT / "docs/reference").iterdir() if "`make docs`" in page.read_text(encoding="utf-8")
    }
    assert claims == {ROOT / name for name in PAGES if name.startswith("docs/reference/")}


def test_every_row_about_pull_requests_names_a_test_that_is_there() -> None:
    text = (ROOT / "docs/reference/pull-requests-on-github.md").read_text(encoding="utf-8")
    rows = [row for row in text.splitlines() if row.startswith("| ") and not row.endswith(" shown by |")]
    named = [re.fullmatch(r".* \| `([\w/]+\.py)::(test_\w+)` \|", row) for row in rows]
    assert len(rows) > 20
    assert all(named), "a row names no test"
    for file, name in (found.groups() for found in named if found):
        assert f"def {name}(" in (ROOT / "tests" / file).read_text(encoding="utf-8"), f"{file} has no {name}"
