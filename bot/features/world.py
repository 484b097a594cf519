"""What the effects share: built once by the composition root, handed to every piece of work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.domain.names import PlanId, RepoName
from bot.features.commands.store import People
from bot.features.fleets.facts import PinIndex, Pinned
from bot.features.rollout.store import Fleets
from bot.git.mirrors import Mirror
from bot.github.client import App
from bot.plan.model import Plan
from bot.planner.renderer import Renderer


class Memory(PinIndex, Protocol):
    """What the bot keeps between looks; all of it can be read again from GitHub."""

    def replace_pins(self, fleet: RepoName, rows: Sequence[Pinned]) -> None:
        """Make `rows` all that the index knows of `fleet`."""

    def save_plan(self, plan: Plan) -> None:
        """Keep the whole plan, for its page."""

    def find_plan(self, plan_id: PlanId) -> Plan | None:
        """A plan that was kept."""


@dataclass(frozen=True)
class World:
    """The outside, as the composition root wired it."""

    app: App
    web_url: str  # https://github.com, or an Enterprise Server's address; git lives there too
    mirrors: Path
    memory: Memory
    people: People
    fleets: Fleets
    renderer: Renderer
    order_keys: Callable[[], tuple[Ed25519PrivateKey, ...]]  # read anew for each order: they can be rotated
    public_url: str  # where people reach this service; "" when they do not
    now: Callable[[], float]  # seconds since the epoch

    def mirror(self, repo: RepoName) -> Mirror:
        """Our mirror of `repo`."""
        return Mirror(self.mirrors / f"{repo}.git", f"{self.web_url}/{repo}.git")
