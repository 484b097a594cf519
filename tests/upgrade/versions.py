"""The program as an earlier version had it, and as the next version may have it: folders to put on PYTHONPATH."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bot
from bot.domain.values import StoredValue
from tests.stored_values import LATER, stored_types

ROOT = Path(__file__).parents[2]
BEFORE_THE_REDESIGN = "e1c6892e7e4e5600aa9af2acbcad42eda059de6c"
_FIELD = f'    {LATER}: str = _later_field(default_factory=lambda: "set")\n'
_UNSET_FIELD = f'    {LATER}: str = ""\n'


@contextmanager
def previous_version(commit: str = BEFORE_THE_REDESIGN) -> Iterator[Path]:
    """A folder with the program as `commit` of this repository has it."""
    made = subprocess.run(
        ["git", "-C", str(ROOT), "archive", "--format=tar", commit, "bot"], capture_output=True, check=False
    )
    assert made.returncode == 0, (
        f"the version before is taken from this repository's history, and {commit[:7]} is not in this clone: "
        f"`git fetch --unshallow` brings it ({made.stderr.decode().strip()})"
    )
    with tempfile.TemporaryDirectory(prefix="aios-before-") as name:
        subprocess.run(["tar", "-x", "-C", name], input=made.stdout, check=True)
        yield Path(name)


@contextmanager
def next_version() -> Iterator[Path]:
    """A folder with this program and one field more, which is set, in every value that is stored or sent.

    What a plan says is in its id, so there the field is not set: a plan that says more is another plan.
    """
    with tempfile.TemporaryDirectory(prefix="aios-next-") as name:
        source = Path(bot.__file__).parent
        shutil.copytree(source, Path(name) / "bot", ignore=shutil.ignore_patterns("__pycache__"))
        for kind in changed_types():
            file = Path(name, *kind.__module__.split(".")).with_suffix(".py")
            if not file.exists():
                file = file.with_suffix("") / "__init__.py"
            file.write_text(_with_field(file.read_text(), kind))
        yield Path(name)


def changed_types() -> tuple[type[StoredValue], ...]:
    """The values that have one field more in the next version: all but bases of others."""
    return tuple(kind for kind in stored_types() if kind.__module__.startswith("bot.") and not kind.__subclasses__())


def _with_field(text: str, kind: type[StoredValue]) -> str:
    lines = text.splitlines(keepends=True)
    body = next(n for n in ast.parse(text).body if isinstance(n, ast.ClassDef) and n.name == kind.__name__).body
    fields = [node for node in body if isinstance(node, ast.AnnAssign | ast.Expr)]
    after = (fields[-1] if fields else body[0]).end_lineno
    assert after is not None
    lines.insert(after, _UNSET_FIELD if kind.__module__ == "bot.plan.model" else _FIELD)
    future = "from __future__ import annotations\n"
    imported = "from msgspec import field as _later_field\n"
    made = "".join(lines)
    return made if imported in made else made.replace(future, future + imported, 1)


def environment_of(program: Path) -> dict[str, str]:
    """What makes Python take the program from this folder, before "." and what is installed."""
    return {"PYTHONPATH": str(program), "PYTHONSAFEPATH": "1"}


def run_program(program: Path, code: str, given: object) -> object:
    """What `code` prints, run with the program of that version; `given` is its standard input. Both are JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        env=os.environ | environment_of(program),
        cwd=program,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)
