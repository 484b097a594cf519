"""Find which services of a stack build their images on those of others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.domain.names import ServiceName
from bot.plan.followers import made_images
from bot.plan.image_sources import find_images

_ONBUILD = re.compile(r"(?im)^[ \t]*onbuild[ \t]")


def find_bases(
    model: Mapping[str, Any], dockerfiles: Mapping[str, tuple[str | None, str]]
) -> dict[ServiceName, tuple[ServiceName, ...]]:
    """By service, those whose images its own may be built on; `dockerfiles` are texts and targets, by service.

    A Dockerfile that is not known or not understood may read all of them.
    """
    services = model.get("services") or {}
    images = {name: made_images(model.get("name"), name, services[name]) for name in dockerfiles}
    found = {}
    for service, (text, target) in dockerfiles.items():
        read = find_images(text, target) if text is not None else None
        bases = [
            ServiceName(other)
            for other, made in images.items()
            if made != images[service] and (read is None or made & read)
        ]
        if bases:
            found[ServiceName(service)] = tuple(bases)
    return found


def find_base_images(dockerfiles: Mapping[str, tuple[str | None, str]]) -> dict[ServiceName, tuple[str, ...]]:
    """By service, the images that its Dockerfile reads, where that is known; `dockerfiles` as for `find_bases`."""
    read = {service: find_images(text, target) for service, (text, target) in dockerfiles.items() if text is not None}
    return {ServiceName(service): tuple(sorted(images)) for service, images in read.items() if images}


def brings_own(
    bases: Mapping[ServiceName, tuple[ServiceName, ...]],
    dockerfiles: Mapping[str, tuple[str | None, str]],
    service: str,
) -> bool:
    """Whether an image that `service` is built on leaves instructions for the builds on top of it."""
    return any(_ONBUILD.search(dockerfiles[base][0] or "") for base in bases.get(ServiceName(service), ()))
