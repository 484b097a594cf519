"""Risks of privilege: what a container may do on the node beyond what containers usually may."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.domain import host_rules as rules
from bot.redaction.recognise import word_set
from bot.risks.pairs import Found, Model, ServicePair, as_list, as_map

_STRONG = word_set(
    "ALL SYS_ADMIN SYS_MODULE SYS_PTRACE SYS_RAWIO SYS_BOOT SYS_TIME NET_ADMIN DAC_READ_SEARCH DAC_OVERRIDE BPF "
    "PERFMON MAC_ADMIN MAC_OVERRIDE SYSLOG MKNOD AUDIT_CONTROL CHECKPOINT_RESTORE SETFCAP SYS_CHROOT"
)
_NAMESPACES = {"pid": "process", "ipc": "IPC", "userns_mode": "user", "uts": "UTS", "cgroup": "cgroup"}
# Whatever else may stand there loosens something, or names a profile of the stack's own.
_CONFINED = re.compile(
    r"no-new-privileges(?:[:=]true)?|seccomp[:=](?:builtin|default)|apparmor[:=]docker-default"
    r"|label[:=]level[:=][a-z0-9:,.]+|label[:=]type[:=]container_t"
)
_OWN_NAMESPACE = re.compile(r"(?:private|shareable|none|service:.*)?")
_ROOT = re.compile(r"(?:0+|root)?(?::.*)?")
_HOOKS = ("post_start", "pre_stop")
_OWN_RUNTIMES = ("", "runc", "io.containerd.runc.v2")


def check_privilege(service: ServicePair) -> Iterator[Found]:
    """Find everything that widens what a service may do."""
    place = service.place
    if service.new.get("privileged") and not service.old.get("privileged"):
        text = "runs privileged: it can do on the node whatever root can"
        yield Found(rules.PRIVILEGED, text, f"{place}.privileged")
    for capability in service.added("cap_add"):
        name = str(capability).upper().removeprefix("CAP_")
        rule = rules.STRONG_CAPABILITY if name in _STRONG else rules.CAPABILITY
        yield Found(rule, f"gets capability {name}", f"{place}.cap_add")
    yield from _namespaces(service)
    yield from _confinement(service)
    yield from _ways_to_run(service)
    yield from _resources(service)
    was, now = str(service.old.get("user") or ""), str(service.new.get("user") or "")
    if service.new and now != was and _ROOT.fullmatch(now) and not _ROOT.fullmatch(was):
        yield Found(
            rules.ROOT_USER, f"ran as user {was}, now as {now or 'the default of its image'}", f"{place}.user"
        )


def _namespaces(service: ServicePair) -> Iterator[Found]:
    for field, kind in _NAMESPACES.items():
        changed = service.changed(field)
        value = str(changed[1] or "") if changed else ""
        if value.startswith("container:"):
            text = f"joins the {kind} namespace of {value}"
            yield Found(rules.FOREIGN_CONTAINER, text, f"{service.place}.{field}")
        elif value == "host":
            yield Found(rules.HOST_NAMESPACE, f"joins the node's {kind} namespace", f"{service.place}.{field}")
        elif not _OWN_NAMESPACE.fullmatch(value):  # Podman takes one of the node by its path: ns:/proc/1/ns/pid
            yield Found(rules.HOST_NAMESPACE, f"joins the {kind} namespace {value}", f"{service.place}.{field}")
    for source in service.added("volumes_from"):
        if str(source).startswith("container:"):
            text = f"takes over the volumes of {source}"
            yield Found(rules.FOREIGN_CONTAINER, text, f"{service.place}.volumes_from")


def _confinement(service: ServicePair) -> Iterator[Found]:
    place = f"{service.place}.security_opt"
    for option in service.added("security_opt"):
        if not _CONFINED.fullmatch(str(option)):
            yield Found(rules.UNCONFINED, f"runs with {option}", place)
    if service.new and _keeps_privileges(service.old) and not _keeps_privileges(service.new):
        yield Found(rules.UNCONFINED, "loses no-new-privileges", place)


def _keeps_privileges(service: Model) -> bool:
    """Whether no program of the service gets more privileges than it was started with."""
    options = (str(option) for option in as_list(service.get("security_opt")))
    return any("no-new-privileges" in option and not option.endswith("false") for option in options)


def _ways_to_run(service: ServicePair) -> Iterator[Found]:
    place = service.place
    provider = service.changed("provider")
    if provider and provider[1]:
        kind = as_map(provider[1]).get("type", provider[1])
        yield Found(rules.HOST_PROGRAM, f"is made by {kind}, a program of the node", f"{place}.provider")
    runtime = service.changed("runtime")
    if runtime and str(runtime[1] or "") not in _OWN_RUNTIMES:
        yield Found(rules.RUNTIME, f"is run by {runtime[1]}", f"{place}.runtime")
    parent = service.changed("cgroup_parent")
    if parent and parent[1]:
        yield Found(rules.CGROUP_PARENT, f"runs under the control group {parent[1]}", f"{place}.cgroup_parent")
    before = as_map(service.old.get("annotations"))
    for name, value in as_map(service.new.get("annotations")).items():
        if before.get(name) != value:
            yield Found(rules.ANNOTATION, f"gets annotation {name}", f"{place}.annotations.{name}")
    for kind in _HOOKS:
        for index, hook in enumerate(as_list(service.new.get(kind))):
            if hook not in as_list(service.old.get(kind)):
                yield from _hook(kind, as_map(hook), f"{place}.{kind}.{index}")


def _hook(kind: str, hook: object, place: str) -> Iterator[Found]:
    fields = as_map(hook)
    if fields.get("privileged"):
        yield Found(rules.PRIVILEGED, f"runs a privileged hook ({kind})", f"{place}.privileged")
    user = str(fields.get("user") or "")
    if user and _ROOT.fullmatch(user):
        yield Found(rules.ROOT_USER, f"runs a hook as root ({kind})", f"{place}.user")


def _resources(service: ServicePair) -> Iterator[Found]:
    for field in ("oom_kill_disable", "oom_score_adj", "cpu_rt_runtime", "cpu_rt_period"):
        changed = service.changed(field)
        value = str(changed[1] or "") if changed else ""
        if value not in ("", "0", "False", "false") and (field != "oom_score_adj" or value.startswith("-")):
            text = f"sets {field} to {value}: it keeps what the node needs"
            yield Found(rules.RESOURCES, text, f"{service.place}.{field}")
