"""What people read is as it was last read and found good; `make docs` writes it again."""

from __future__ import annotations

import pytest

from tests.golden.reports import FOLDER, REPORTS


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_reads_as_before(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == REPORTS[name]() + "\n", (
        "run `make docs`, read the difference"
    )


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(REPORTS)
