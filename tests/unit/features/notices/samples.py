"""Conditions as the outbox gives them."""

from __future__ import annotations

from bot.domain.names import RepoName
from bot.domain.notices import Topic
from bot.features.outbox.facts import Notice, OpenNotice, Phase

FLEET = RepoName("acme/aios-win")
NOW = 86_400 * 20_000 + 12 * 3600  # noon


def sample(
    seq: int,
    topic: Topic = Topic.DEPLOY_FAILED,
    *,
    fleet: RepoName | None = FLEET,
    age: int = 120,
    due_at: int = 0,
    ended: int | None = None,
    muted: int = 0,
    quiet: str = "",
    sent: tuple[tuple[str, Phase], ...] = (),
    unsure: tuple[tuple[str, Phase], ...] = (),
    **words: str,
) -> OpenNotice:
    """One that began `age` seconds before NOW, ended `ended` before it, and is muted for `muted` after it."""
    return OpenNotice(
        seq=seq,
        scope="rollout main server",
        notice=Notice(topic=topic, fleet=fleet, quiet=quiet, **{"subject": "AIOS", **words}),
        opened_at=NOW - age,
        due_at=due_at,
        ended_at=None if ended is None else NOW - ended,
        muted_until=NOW + muted if muted else 0,
        sent=sent,
        unsure=unsure,
    )
