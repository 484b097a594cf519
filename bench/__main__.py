"""Every figure that the project quotes: `python -m bench`, or one of them: `python -m bench accuracy --edits 400`."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import bench

NAMES = [info.name for info in pkgutil.iter_modules(bench.__path__) if info.name != "__main__"]
chosen = [name.replace("-", "_") for name in sys.argv[1:2]]
if chosen and chosen[0] not in NAMES:
    sys.exit(f"there is no bench.{chosen[0]}; there are {', '.join(NAMES)}")
sys.argv[1:] = sys.argv[2:]
for name in chosen or sorted(NAMES):
    module = importlib.import_module(f"bench.{name}")
    if hasattr(module, "main"):
        print(f"\n== bench.{name}\n", flush=True)
        module.main()
