"""Modules that are executed when they are first used."""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from bot.service.later import import_later

LIMIT = 60  # seconds

_SERVICE = """
from bot.service.later import import_later
import_later()
import sys
import bot.cli.serve, bot.github.app, bot.queue.inbox, bot.service.database, bot.service.worker
print("github.PullRequest" in sys.modules, "charset_normalizer.api" in sys.modules)
import requests
answer = requests.Response()
answer._content = "Grüße aus Köln".encode("utf-16")
print(answer.apparent_encoding, requests.compat.chardet.__version__.split(".")[0])
import github
print(github.Github(lazy=True).get_repo("octo/cat").full_name)
unused = ("dbos", "psycopg", "sqlalchemy.orm", "sqlalchemy.dialects.postgresql")
print([name for name in unused if name in sys.modules])
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An importable package `later_pkg`, all of whose modules are imported later."""
    folder = tmp_path / "later_pkg"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    import_later(("later_pkg.",))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "later_pkg"]:
        del sys.modules[name]


def _import(package: Path, name: str, text: str) -> ModuleType:
    (package / f"{name}.py").write_text(text)
    importlib.invalidate_caches()
    return importlib.import_module(f"later_pkg.{name}")


def test_a_module_is_executed_once_when_it_is_first_used(package: Path) -> None:
    module = _import(package, "one", "import sys\nsys.later_runs = getattr(sys, 'later_runs', 0) + 1\nvalue = 5\n")
    assert not hasattr(sys, "later_runs")
    assert module.__file__ == str(package / "one.py")
    try:
        assert (module.value, module.value) == (5, 5)
        assert getattr(sys, "later_runs") == 1  # noqa: B009 - mypy knows no such attribute
        with pytest.raises(AttributeError, match=r"module 'later_pkg.one' has no attribute 'other'"):
            _ = module.other
        assert getattr(sys, "later_runs") == 1  # noqa: B009 - the same
    finally:
        del sys.later_runs  # type: ignore[attr-defined] # the module above sets it


def test_names_are_imported_from_it_at_once(package: Path) -> None:
    (package / "two.py").write_text("value = 6\n")
    module = _import(package, "three", "from later_pkg.two import value\n")
    assert module.value == 6


def test_modules_that_name_each_other_in_a_circle(package: Path) -> None:
    (package / "left.py").write_text("import later_pkg.right\nvalue = 1\nboth = later_pkg.right.value + value\n")
    right = _import(package, "right", "import later_pkg.left\nvalue = 2\nsum = later_pkg.left.both\n")
    assert right.sum == 3


def test_a_circle_that_cannot_work_is_an_error_and_not_endless(package: Path) -> None:
    (package / "left.py").write_text("import later_pkg.right\nvalue = later_pkg.right.value\n")
    right = _import(package, "right", "import later_pkg.left\nvalue = later_pkg.left.value\n")
    with pytest.raises(AttributeError, match=r"'later_pkg.right' has no attribute 'value'"):
        _ = right.value


def test_a_failure_is_raised_at_each_use(package: Path) -> None:
    module = _import(package, "failing", "raise OSError('no such library')\n")
    for _ in range(2):
        with pytest.raises(OSError, match="no such library"):
            _ = module.value


def test_a_thread_waits_while_another_executes_it(package: Path) -> None:
    begun, goes_on = threading.Event(), threading.Event()
    (package / "events.py").write_text("")
    events = importlib.import_module("later_pkg.events")
    events.__dict__.update(begun=begun, goes_on=goes_on)
    text = "from later_pkg.events import begun, goes_on\nbegun.set()\nassert goes_on.wait(60)\nvalue = 7\n"
    module = _import(package, "slow", text)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(lambda: module.value)
        assert begun.wait(LIMIT)
        second = pool.submit(lambda: module.value)
        goes_on.set()
        assert (first.result(LIMIT), second.result(LIMIT)) == (7, 7)


def test_the_service_does_without_what_it_does_not_use() -> None:
    done = subprocess.run([sys.executable, "-c", _SERVICE], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["False False", "UTF-16 3", "octo/cat", "[]"], done.stderr
