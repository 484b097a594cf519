"""Find which services of a stack build their images on those of others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from bot.domain.names import ServiceName
from bot.plan.followers import made_images
from bot.plan.image_sources import find_images

_ONBUILD = re.compile(r"(?im)^[ \t]*onbuild[ \t]")


class DockerfileUse(NamedTuple):
    """How a service is built: the Dockerfile's text, None where it is not known; the stage; the build's arguments.

    An argument that is None is one that only the node knows.
    """

    text: str | None
    target: str = ""
    arguments: Mapping[str, str | None] = MappingProxyType({})

    @property
    def images(self) -> frozenset[str] | None:
        """The images that it reads; None: it may be any."""
        return None if self.text is None else find_images(self.text, self.target, self.arguments)


def find_bases(
    model: Mapping[str, Any], dockerfiles: Mapping[str, DockerfileUse]
) -> dict[ServiceName, tuple[ServiceName, ...]]:
    """By service, those whose images its own may be built on.

    A Dockerfile that is not known or not understood may read all of them.
    """
    services = model.get("services") or {}
    images = {name: made_images(model.get("name"), name, services[name]) for name in dockerfiles}
    found = {}
    for service, dockerfile in dockerfiles.items():
        read = dockerfile.images
        bases = [
            ServiceName(other)
            for other, made in images.items()
            if made != images[service] and (read is None or made & read)
        ]
        if bases:
            found[ServiceName(service)] = tuple(bases)
    return found


def find_base_images(dockerfiles: Mapping[str, DockerfileUse]) -> dict[ServiceName, tuple[str, ...]]:
    """By service, the images that its Dockerfile reads, where that is known."""
    read = {service: dockerfile.images for service, dockerfile in dockerfiles.items()}
    return {ServiceName(service): tuple(sorted(images)) for service, images in read.items() if images}


def find_plain(model: Mapping[str, Any], dockerfiles: Mapping[str, DockerfileUse]) -> frozenset[str]:
    """The services whose base images are known to leave no instructions for the builds on top: others build them."""
    services = model.get("services") or {}
    images = {name: made_images(model.get("name"), name, services[name]) for name in dockerfiles}
    leaves = {
        name for name, one in dockerfiles.items() if one.images is None or _ONBUILD.search(one.text or "onbuild ")
    }

    def is_plain(image: str) -> bool:
        makers = {name for name, made in images.items() if image in made}
        return bool(makers) and not makers & leaves

    return frozenset(name for name, one in dockerfiles.items() if one.images and all(map(is_plain, one.images)))


def brings_own(
    bases: Mapping[ServiceName, tuple[ServiceName, ...]],
    dockerfiles: Mapping[str, DockerfileUse],
    service: str,
) -> bool:
    """Whether an image that `service` is built on leaves instructions for the builds on top of it."""
    return any(_ONBUILD.search(dockerfiles[base].text or "") for base in bases.get(ServiceName(service), ()))
