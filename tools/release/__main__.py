"""Build a release's files into a folder, and end with 1 if they are not reproducible or not valid."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tools.release.build import BuildError, build, check, write_checksums, write_sbom


def main() -> None:
    """Build twice, compare, describe, check, and print each file with its digest."""
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="where the files go; default: a temporary folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary) / "dist"
        try:
            first, second = build(folder), build(Path(temporary) / "again")
            if first != second:
                sys.exit(f"release: two builds differ: {sorted(set(first.items()) ^ set(second.items()))}")
            print(f"release: built twice, the same bytes: {', '.join(sorted(first))}")
            write_sbom(folder)
            check(folder)
        except BuildError as problem:
            sys.exit(f"release: {problem}")
        print(write_checksums(folder).read_text(), end="")


main()
