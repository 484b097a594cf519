"""Classify image references: pinned, versioned, moving or built. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.plan.model import Image, ImageKind

LONGEST_TAG = 128  # characters (https://github.com/distribution/reference/blob/main/regexp.go)
# What names one version: two numbers or more ("1.27", "v3.2.1-alpine"), a date, a build number, a commit.
_VERSION = re.compile(
    r"(?i)(?:[a-z]+[-_])*v?\d+(?:\.\d+)+(?:[-._+].*)?"
    r"|.*\d{4}-\d{2}-\d{2}.*"
    r"|(?:.*[-._])?\d{6,}(?:[-._].*)?"
    r"|(?:.*[-._])?(?:sha-[0-9a-f]{7,}|[0-9a-f]{12,64})"
)


def judge_image(service: Mapping[str, Any]) -> Image | None:
    """Classify the image of a rendered service; None when it names none."""
    name = str(service.get("image") or "")
    if service.get("build"):
        return Image(name=name, kind=ImageKind.BUILT)
    if not name:
        return None
    if "@" in name:
        return Image(name=name, kind=ImageKind.DIGEST)
    _, colon, tag = name.rpartition("/")[2].partition(":")
    fixed = colon and len(tag) <= LONGEST_TAG and _VERSION.fullmatch(tag)
    return Image(name=name, kind=ImageKind.VERSION if fixed else ImageKind.MOVING)
