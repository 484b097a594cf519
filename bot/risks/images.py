"""Risks of image references: where an image comes from, whether its tag moves, and how far its version does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from bot.domain import risk_rules as rules
from bot.risks.pairs import Found, ServicePair

_MOVING = re.compile(
    r"(?:latest|stable|edge|nightly|main|master|develop|dev|rolling|beta|alpha|rc|lts|mainline|current|release"
    r"|testing|unstable|canary|next|snapshot)(?:[-.](?:alpine|slim|[a-z]+))?"
)

_STORES = re.compile(
    r"postgres|postgis|pgvector|timescale|mysql|mariadb|percona|mongo|redis|valkey|keydb|elasticsearch|opensearch"
    r"|influxdb|clickhouse|cassandra|scylla|neo4j|couchdb|couchbase|cockroach|etcd|rabbitmq|kafka|zookeeper|minio"
    r"|vault$|openbao|consul$|meilisearch|typesense|qdrant|weaviate|milvus|arangodb|rethinkdb|victoria-metrics"
    r"|gitlab-[ce]e$|nextcloud$|loki$|prometheus$"
)
_BESIDE = re.compile(r"export|admin|express|command|insight|operator|backup|proxy|agent|client|\bui\b|web|stat|shake")
CALENDAR = 1900  # a version that starts with a year says nothing by its first number


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
    registry, slash, rest = head.partition("/")
    if not slash or (registry in ("docker.io", "index.docker.io") and "/" not in rest):
        head = f"docker.io/library/{rest or head}"
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
        elif not is_store(old) and (text := _major_change(old, new)):
            yield Found(rules.IMAGE_MAJOR, text, place)


def _major_change(old: ImageName, new: ImageName) -> str:
    """What is said when the major version differs; "" when it does not, or is not known."""
    was, now = read_version(old), read_version(new)
    if was is None or now is None or was[0] == now[0] or max(was[0], now[0]) >= CALENDAR:
        return ""
    way = "changes its major version" if now[0] > was[0] else "goes back a major version"
    return f"{new.name} {way}, {old.tag} to {new.tag}"


def is_store(image: ImageName) -> bool:
    """Whether the image is a database or another store, by its name."""
    return bool(_STORES.search(image.name)) and not _BESIDE.search(image.name)


_NUMBERS = re.compile(r"(?:v|pg|release\.)?(\d+(?:\.\d+)*)", re.IGNORECASE)


def read_version(image: ImageName) -> tuple[int, ...] | None:
    """The numbers of a tag: `16.2-alpine`, `v1.17`, `latest-pg16`; None when there are none."""
    for part in image.tag.split("-"):
        if found := _NUMBERS.fullmatch(part):
            return tuple(int(number) for number in found[1].split("."))
    return None
