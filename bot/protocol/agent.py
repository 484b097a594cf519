"""The release of the agent that a node is to run. Pure."""

from __future__ import annotations

from bot.domain.values import StoredValue

RELEASES = "https://github.com/Tecnocrat/aios-bot/releases/download"
LOCK_FILE = "agent.txt"


class AgentRelease(StoredValue, frozen=True):
    """A version of the agent, and the SHA-256 of the lock that pins every byte of it.

    `url` is the folder from which lock, pip and wheel are fetched. Whoever serves it can only refuse: what does not
    have the lock's hashes is not run.
    """

    version: str
    url: str
    lock: str


def parse_agent(text: str, *, url: str = "") -> AgentRelease:
    """The release that `text` names as the fleet file does, `VERSION@sha256:LOCK`; "" is published on GitHub."""
    version, _, lock = text.partition("@sha256:")
    return AgentRelease(version=version, url=url or release_address(version), lock=lock)


def render_agent(agent: AgentRelease) -> str:
    """The release as the fleet file names it."""
    return f"{agent.version}@sha256:{agent.lock}"


def release_address(version: str) -> str:
    """The folder of the released `version`'s files."""
    return f"{RELEASES}/v{version}"
