"""Import modules of other packages when they are first used, not when they are first named.

PyGithub names a module for each thing that GitHub has, and requests one that guesses the encoding of texts, which
GitHub states. What a service never uses need not be in its memory: `python -m bench idle` prints how much that is.
The standard library's LazyLoader is not safe between threads before Python 3.12.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

LATER = ("charset_normalizer", "github.")
"""Modules that the libraries of the service name and seldom use; with a dot at the end: all within that package."""

_EXECUTION = threading.RLock()  # one for all modules: they use each other while they are executed


def import_later(names: Iterable[str] = LATER) -> None:
    """From now on, modules of `names` are executed when an attribute is first read that they do not have yet.

    What was imported before stays as it is.
    """
    sys.meta_path.insert(0, _LaterFinder(tuple(names)))


class _LaterFinder(MetaPathFinder):
    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Found as always, and loaded later."""
        if not any(fullname.startswith(name) if name.endswith(".") else fullname == name for name in self._names):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _LaterLoader(spec.loader)
        return spec


class _LaterLoader(Loader):
    def __init__(self, real: Loader) -> None:
        self.real = real

    def create_module(self, spec: ModuleSpec) -> None:
        """Have Python make it, as it would without this class."""

    def exec_module(self, module: ModuleType) -> None:
        """Execute nothing yet. Not before now: Python itself reads attributes while it makes a module."""
        if "." not in module.__name__:  # which version a package has is often looked at when it is named
            with contextlib.suppress(PackageNotFoundError):
                module.__version__ = version(module.__name__)  # type: ignore[attr-defined]  # types name no attribute of a module
        module.__class__ = _LaterModule


class _LaterModule(ModuleType):
    def __getattr__(self, name: str) -> object:
        """Execute the module, unless this thread is at it, and read `name` again. Raises what its code raises."""
        with _EXECUTION:
            spec = self.__spec__
            if spec is not None and isinstance(spec.loader, _LaterLoader):
                waiting = spec.loader
                spec.loader = self.__loader__ = waiting.real
                try:
                    waiting.real.exec_module(self)
                except BaseException:
                    spec.loader = self.__loader__ = waiting  # as an import that failed: the next use tries again
                    raise
            if name in self.__dict__:
                return self.__dict__[name]
            # Also within its own execution, as in any import that goes in a circle.
            text = f"module {self.__name__!r} has no attribute {name!r}"
            raise AttributeError(text, name=name, obj=self)
