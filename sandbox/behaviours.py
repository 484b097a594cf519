"""What real GitHub does and a simple double would not: each behaviour a switch, all of them off by default."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

ORGANIZATION_PERMISSIONS = frozenset({"members", "organization_self_hosted_runners"})


@dataclass
class Behaviours:
    """The switches. A test sets them at any time; `clock` gives seconds since 1970."""

    clock: Callable[[], float] = time.time
    personal_accounts: bool = False
    """An installation in a user's account has no organisation permissions (chad-loder/pyhaul#20)."""
