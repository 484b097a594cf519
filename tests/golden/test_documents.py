"""What is made from the code is as the code makes it; `make docs` mends it."""

from __future__ import annotations

import pytest

from tests.golden.documents import DOCUMENTS, ROOT


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_made_document_is_up_to_date(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == DOCUMENTS[name](), "run `make docs`"
