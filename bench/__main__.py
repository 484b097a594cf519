"""Every figure that the project quotes, in one run: `python -m bench`."""

from __future__ import annotations

import importlib
import pkgutil

import bench

for module in sorted(info.name for info in pkgutil.iter_modules(bench.__path__) if info.name != "__main__"):
    print(f"\n== bench.{module}\n", flush=True)
    importlib.import_module(f"bench.{module}").main()
