"""Risks to data: volumes, their mounts, and databases that change their version."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain import risk_rules as rules
from bot.risks.images import CALENDAR, is_store, parse_image, read_version
from bot.risks.pairs import (
    Found,
    Model,
    ServicePair,
    StackPair,
    as_map,
    read_mounts,
    service_pairs,
    volume_name,
)


def check_volumes(pair: StackPair) -> Iterator[Found]:
    """Find a removed stack, and named volumes whose configuration changes."""
    if pair.old is None:
        return
    if pair.new is None:
        if not pair.unreadable:
            yield _gone(pair)
        return
    before, after = as_map(pair.old.get("volumes")), as_map(pair.new.get("volumes"))
    configured = {volume_name(key, pair.old): (key, as_map(body)) for key, body in before.items()}
    for key, body in after.items():
        name, now = volume_name(key, pair.new), as_map(body)
        _, was = configured.get(name, (key, None))
        if was is not None and any(was.get(f) != now.get(f) for f in ("driver", "driver_opts", "external")):
            text = f"volume {name} is configured differently: compose keeps the old one as it is"
            yield Found(rules.VOLUME_RECONFIGURED, text, f"volumes.{key}")


def _gone(pair: StackPair) -> Found:
    old = pair.old or {}
    services = ", ".join(as_map(old.get("services")))
    kept = [volume_name(key, old) for key in as_map(old.get("volumes"))]
    many = f"volumes {', '.join(kept)} stay" if kept[1:] else f"volume {''.join(kept)} stays"
    stays = f"; {many} on the node" if kept else ""
    return Found(rules.STACK_REMOVED, f"the stack is removed: {services or 'it'} will stop{stays}")


def check_mounts(pair: StackPair) -> Iterator[tuple[str, Found]]:
    """Find what services will see where they kept their data; each with the service's name."""
    if pair.old is None or pair.new is None:
        return
    still, filled = _mounted(pair.new), _filled(pair.old, pair.new)
    for service in service_pairs(pair):
        if not service.old:
            continue
        now = read_mounts(service.new, pair.new)
        for target, (was, _) in read_mounts(service.old, pair.old).items():
            if was.read_only or was.kind not in ("volume", "bind"):
                continue
            if target not in now:
                if was.kind == "volume" and was.source and was.source not in still:
                    text = f"volume {was.source} is no longer mounted (was at {target}): its data stays behind"
                    yield service.name, Found(rules.VOLUME_DROPPED, text, f"{service.place}.volumes")
                continue
            mount, index = now[target]
            if (mount.kind, mount.source) == (was.kind, was.source):
                continue
            place = f"{service.place}.volumes.{index}"
            if mount.kind == was.kind == "volume":
                then = "the data in the old one stays behind" if mount.source in filled else "it starts empty"
                text = f"{target} holds {mount} instead of {was}: {then}"
                yield service.name, Found(rules.VOLUME_RENAMED, text, place)
            else:
                rule = rules.FOLDER_MOVED if mount.kind == was.kind else rules.MOUNT_REPLACED
                yield service.name, Found(rule, f"{target} holds {mount} instead of {was}", place)


def _mounted(stack: Model) -> set[str]:
    return {
        mount.source
        for service in as_map(stack.get("services")).values()
        for mount, _ in read_mounts(as_map(service), stack).values()
    }


def _filled(old: Model, new: Model) -> set[str]:
    """The volumes that may hold something already: of the old version, or external ones."""
    external = {key: body for key, body in as_map(new.get("volumes")).items() if as_map(body).get("external")}
    return {volume_name(key, old) for key in as_map(old.get("volumes"))} | {volume_name(key, new) for key in external}


def check_database(service: ServicePair) -> Iterator[Found]:
    """Find databases whose image moves to another major version, or back."""
    changed = service.changed("image")
    if not service.old or not service.new or changed is None:
        return
    old, new = parse_image(str(changed[0] or "")), parse_image(str(changed[1] or ""))
    if not is_store(old) or (old.tag or "latest") == (new.tag or "latest"):
        return
    was, now = read_version(old), read_version(new)
    versions = f"{old.tag or 'no tag'} to {new.tag or 'no tag'}"
    if was is None or now is None:
        rule, text = (
            rules.DATABASE_MAJOR,
            f"{old.name} goes from {versions}: the major version is unknown, so back up first",
        )
    elif now < was[: len(now)]:
        rule, text = (
            rules.DATABASE_DOWNGRADE,
            f"{old.name} goes back from {versions}: it may not be able to read its data",
        )
    elif now[0] != was[0] and was[0] < CALENDAR:
        rule, text = rules.DATABASE_MAJOR, f"{old.name} changes its major version, {versions}: back up first"
    else:
        return
    yield Found(rule, text, f"{service.place}.image")
