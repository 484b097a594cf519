"""Which image names are sure."""

from __future__ import annotations

import time

import pytest

from bot.plan.images import judge_image
from bot.plan.model import Image, ImageKind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("nginx", ImageKind.MOVING),
        ("nginx:latest", ImageKind.MOVING),
        ("nginx:stable-alpine", ImageKind.MOVING),
        ("postgres:17", ImageKind.MOVING),
        ("registry.local:5000/app", ImageKind.MOVING),
        ("ghcr.io/acme/app:main", ImageKind.MOVING),
        ("nginx:1.27", ImageKind.VERSION),
        ("traefik:v3.1.4", ImageKind.VERSION),
        ("php:8.2-fpm-alpine3.19", ImageKind.VERSION),
        ("registry.local:5000/app:2.0", ImageKind.VERSION),
        ("minio/minio:RELEASE.2024-05-10T01-41-38Z", ImageKind.VERSION),
        ("debian:bookworm-20240812", ImageKind.VERSION),
        ("acme/app:sha-1a2b3c4", ImageKind.VERSION),
        ("nginx@sha256:" + "a" * 64, ImageKind.DIGEST),
        ("nginx:latest@sha256:" + "a" * 64, ImageKind.DIGEST),
    ],
)
def test_the_kind_of_a_name(name: str, kind: ImageKind) -> None:
    assert judge_image({"image": name}) == Image(name=name, kind=kind)


def test_what_is_built_is_built_whatever_its_name() -> None:
    assert judge_image({"build": {"context": "."}}) == Image(name="", kind=ImageKind.BUILT)
    assert judge_image({"build": {"context": "."}, "image": "app:1.0"}) == Image(name="app:1.0", kind=ImageKind.BUILT)
    assert judge_image({}) is None


def test_a_tag_that_no_registry_takes_names_no_version_and_takes_no_time() -> None:
    longest = "1." * 63 + "12"
    start = time.process_time()
    tags = {longest: ImageKind.VERSION, f"1{longest}": ImageKind.MOVING, "1." * 40_000 + "_x!\n": ImageKind.MOVING}
    for tag, kind in tags.items():
        assert judge_image({"image": f"traefik:{tag}"}) == Image(name=f"traefik:{tag}", kind=kind)
    assert time.process_time() - start < 5
