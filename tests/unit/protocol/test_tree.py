"""The digest of a checkout changes with every file, and with nothing else."""

from __future__ import annotations

import itertools

import pytest

from bot.protocol.tree import TreeFile, digest_tree

pytestmark = pytest.mark.portable
FILES = (TreeFile("a", "100644", "1" * 40), TreeFile("b/c", "120000", "2" * 40), TreeFile("s", "160000", "3" * 40))


def test_the_order_of_the_files_does_not_count() -> None:
    assert {digest_tree(files) for files in itertools.permutations(FILES)} == {digest_tree(iter(FILES))}


def test_the_bytes_are_these() -> None:
    """Service and node may be of different versions: both have to make the same digest of the same files."""
    # printf 'a\0%s\0%040d\n' 100644 1 | sha256sum
    assert digest_tree([TreeFile("a", "100644", "0" * 39 + "1")]) == (
        "ca52d5c9aea46db86b93cca758308ea0834a461637eb5b22d062bbace1bdf944"
    )
    assert digest_tree([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # of nothing
    assert len(digest_tree([TreeFile("\udcff", "100644", "1")])) == 64
    odd = {digest_tree([TreeFile(path, "100644", "1")]) for path in ("\udcff", "\udcfe", "?", "\ufffd")}
    assert len(odd) == 4, "names that are not UTF-8 differ, too"


@pytest.mark.parametrize(
    "others",
    [
        FILES[:2],
        (*FILES, TreeFile("d", "100644", "1" * 40)),
        (FILES[0]._replace(path="A"), *FILES[1:]),
        (FILES[0]._replace(mode="100755"), *FILES[1:]),
        (FILES[0]._replace(oid="4" * 40), *FILES[1:]),
        (FILES[0]._replace(oid=FILES[1].oid), FILES[1]._replace(oid=FILES[0].oid), FILES[2]),
    ],
    ids=["less", "more", "path", "mode", "content", "swapped"],
)
def test_every_difference_counts(others: tuple[TreeFile, ...]) -> None:
    assert digest_tree(others) != digest_tree(FILES)
