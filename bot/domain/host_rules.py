"""Rules about what a container may do beyond its own walls. Pure; `risk_rules.py` lists all rules."""

from __future__ import annotations

from bot.domain.risk_rule import Rule
from bot.domain.severity import Severity

_NOTICE, _RISKY = Severity.NOTICE, Severity.RISKY

PRIVILEGED = Rule(
    "privilege.privileged",
    _RISKY,
    "A service becomes privileged.",
    "It can do on the node whatever root can.",
)
CAPABILITY = Rule(
    "privilege.capability",
    _NOTICE,
    "A service gets a kernel capability.",
    "It may do more on the node than containers usually may.",
)
STRONG_CAPABILITY = Rule(
    "privilege.strong_capability",
    _RISKY,
    "A service gets a kernel capability that comes near to root on the node, such as SYS_ADMIN or ALL.",
    "A break-in there is a break-in on the node.",
)
DOCKER_SOCKET = Rule(
    "privilege.docker_socket",
    _RISKY,
    "A service gets the engine's socket, or a folder that holds it.",
    "Whoever controls it controls every container, and thereby the node. Read-only does not help.",
)
HOST_NAMESPACE = Rule(
    "privilege.host_namespace",
    _RISKY,
    "A service joins the node's process, IPC, user, UTS or cgroup namespace.",
    "It sees or reaches what runs on the node outside containers.",
)
SYSTEM_BIND = Rule(
    "privilege.system_bind",
    _RISKY,
    "A service gets a folder of the node's own system: its root, /etc, /root, a whole drive ...",
    "It can read the node's secrets, or change the system.",
)
DEVICE = Rule(
    "privilege.device",
    _NOTICE,
    "A service gets a device of the node.",
    "It speaks to hardware directly.",
)
UNCONFINED = Rule(
    "privilege.unconfined",
    _RISKY,
    "A service leaves a confinement: seccomp, AppArmor, SELinux, or no-new-privileges.",
    "One wall between a break-in and the node is gone.",
)
ROOT_USER = Rule(
    "privilege.root_user",
    _NOTICE,
    "A service that ran as a user of its own runs as root, or as the image says.",
    "Files it writes belong to root, and a break-in weighs more.",
)
STRONG_DEVICE = Rule(
    "privilege.strong_device",
    _RISKY,
    "A service gets a disk, the memory, the keyboard, or a rule that opens whole classes of devices.",
    "It reads and writes past every permission of the node.",
)
SYSTEM_READ = Rule(
    "privilege.system_read",
    _NOTICE,
    "A service may read a part of the node's own system that holds no secrets, such as /lib/modules or /sys/class.",
    "It learns about the node.",
)
FOREIGN_CONTAINER = Rule(
    "privilege.foreign_container",
    _RISKY,
    "A service joins the processes or the memory of a container by its name, or takes over its volumes.",
    "It reaches what no plan of this stack shows.",
)
HOST_PROGRAM = Rule(
    "privilege.host_program",
    _RISKY,
    "A service is made by a provider: a program of the node, run by its name.",
    "It runs outside of any container, as the user who deploys.",
)
BUILD_PRIVILEGE = Rule(
    "privilege.build",
    _RISKY,
    "The build of an image is privileged, gets entitlements, the node's network, SSH keys, or a folder of the node.",
    "What the Dockerfile runs reaches the node itself.",
)
CGROUP_PARENT = Rule(
    "privilege.cgroup_parent",
    _RISKY,
    "A service chooses the control group that it runs under.",
    "It may leave the limits that hold for containers, or enter those of the system.",
)
RUNTIME = Rule(
    "privilege.runtime",
    _NOTICE,
    "A service is run by another runtime than the engine's own.",
    "The runtime decides what keeps the container apart from the node.",
)
MOUNT_PROPAGATION = Rule(
    "privilege.mount_propagation",
    _NOTICE,
    "What a service mounts below a folder appears on the node too, or a folder is relabelled for SELinux.",
    "It changes what other programs of the node find there.",
)
ANNOTATION = Rule(
    "privilege.annotation",
    _NOTICE,
    "A service gets an annotation.",
    "Runtimes read them as settings: of systemd's unit, of a virtual machine.",
)
RESOURCES = Rule(
    "privilege.resources",
    _NOTICE,
    "A service may keep memory or the processor when the node itself runs short.",
    "Others are ended or starve in its place.",
)
CONTAINER_NETWORK = Rule(
    "exposure.container_network",
    _NOTICE,
    "A service joins the network of a container by its name.",
    "It is reached through that container's ports, and sees its loopback services.",
)
NETWORK_DRIVER = Rule(
    "exposure.network_driver",
    _NOTICE,
    "A network gets another driver (macvlan, ipvlan ...) or options of one, or is internal no more.",
    "Its containers may be reached past the node's firewall, or reach further than before.",
)
LOG_DRIVER = Rule(
    "exposure.log_driver",
    _NOTICE,
    "The log of a service goes elsewhere than into the engine's own files or the journal.",
    "Whoever gets it reads what the service writes, secrets too.",
)
CONTROLLER_LABEL = Rule(
    "exposure.controller_label",
    _NOTICE,
    "A label speaks to a program that watches the engine: caddy, ofelia, watchtower ...",
    "That program opens routes, runs commands or replaces containers as labels say.",
)
FOREIGN_VOLUME = Rule(
    "data.foreign_volume",
    _NOTICE,
    "A stack uses a volume that it does not make itself.",
    "It may be another stack's data.",
)
VOLUME_DRIVER = Rule(
    "data.volume_driver",
    _NOTICE,
    "A new volume is made by a plug-in, or lies on a network drive.",
    "Its data is as safe, and as private, as what stands behind it.",
)
REMOTE_BUILD = Rule(
    "image.remote_build",
    _NOTICE,
    "An image is built from an address, or with a cache from elsewhere.",
    "What is built may change without a commit here.",
)
EXTRA_TAG = Rule(
    "image.extra_tag",
    _NOTICE,
    "The build of a service gives its image further names.",
    "Another service that runs an image of that name runs this one from then on.",
)
UNJUDGED = Rule(
    "schema.unjudged",
    _NOTICE,
    "A stack sets a key of compose that no rule judges.",
    "Nobody knows what it changes on the node: read it.",
)

HOST_RULES: tuple[Rule, ...] = (
    PRIVILEGED,
    CAPABILITY,
    STRONG_CAPABILITY,
    DOCKER_SOCKET,
    HOST_NAMESPACE,
    SYSTEM_BIND,
    DEVICE,
    UNCONFINED,
    ROOT_USER,
    STRONG_DEVICE,
    SYSTEM_READ,
    FOREIGN_CONTAINER,
    HOST_PROGRAM,
    BUILD_PRIVILEGE,
    CGROUP_PARENT,
    RUNTIME,
    MOUNT_PROPAGATION,
    ANNOTATION,
    RESOURCES,
    CONTAINER_NETWORK,
    NETWORK_DRIVER,
    LOG_DRIVER,
    CONTROLLER_LABEL,
    FOREIGN_VOLUME,
    VOLUME_DRIVER,
    REMOTE_BUILD,
    EXTRA_TAG,
    UNJUDGED,
)
