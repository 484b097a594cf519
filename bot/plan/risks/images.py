"""Risks of image references: where an image comes from, and whether its tag moves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from bot.domain import risk_rules as rules
from bot.plan.risks.pairs import Found, ServicePair

_MOVING = re.compile(
    r"(?:latest|stable|edge|nightly|main|master|develop|dev|rolling|beta|alpha|rc|lts|mainline|current|release"
    r"|testing|unstable|canary|next|snapshot)(?:[-.](?:alpine|slim|[a-z]+))?"
)


class ImageName(NamedTuple):
    """The parts of an image reference, `repository` in full: `docker.io/library/nginx`."""

    repository: str
    tag: str
    digest: str

    @property
    def name(self) -> str:
        """The last part of the repository: `nginx`."""
        return self.repository.rpartition("/")[2]

    @property
    def moves(self) -> bool:
        """Whether the same name may mean another image tomorrow."""
        return not self.digest and (not self.tag or _MOVING.fullmatch(self.tag.lower()) is not None)


def parse_image(reference: str) -> ImageName:
    """The parts of `reference`, with what the engine fills in."""
    name, _, digest = reference.partition("@")
    head, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        head, tag = name, ""
    registry, slash, _ = head.partition("/")
    if not slash:
        head = f"docker.io/library/{head}"
    elif not ("." in registry or ":" in registry or registry == "localhost"):
        head = f"docker.io/{head}"
    return ImageName(head.lower(), tag, digest)


def check_image(service: ServicePair) -> Iterator[Found]:
    """Find new or changed images with a moving tag, or from another source."""
    changed = service.changed("image")
    if changed is None or not service.new or not changed[1] or service.new.get("build"):
        return
    new, place = parse_image(str(changed[1])), f"{service.place}.image"
    if new.moves:
        why = f"{new.tag} is a moving tag" if new.tag else "no tag means latest"
        yield Found(rules.UNPINNED, f"image {new.name}: {why}, so what runs depends on the last pull", place)
    if changed[0]:
        old = parse_image(str(changed[0]))
        if old.repository != new.repository:
            yield Found(rules.OTHER_SOURCE, f"image comes from {new.repository} instead of {old.repository}", place)
