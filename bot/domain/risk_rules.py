"""Every risk rule: its stable id, how much attention it asks for, when it fires and why it matters.

`docs/reference/risk-rules.md` is made from here (`make docs`), and a fleet may tune each rule by its id.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.host_rules import HOST_RULES
from bot.domain.risk_rule import Rule, Tuning
from bot.domain.severity import Severity

__all__ = ["RULES", "Rule", "Tuning"]

_INFO, _NOTICE, _RISKY = Severity.INFO, Severity.NOTICE, Severity.RISKY


VOLUME_DROPPED = Rule(
    "data.volume_dropped",
    _RISKY,
    "A named volume that was mounted is mounted by no service of the stack any more.",
    "Its data stays on the node, but nothing reads it: the service starts without it.",
)
VOLUME_RENAMED = Rule(
    "data.volume_renamed",
    _RISKY,
    "Another named volume is mounted where one was.",
    "The new one is empty: the service starts as if freshly installed.",
)
MOUNT_REPLACED = Rule(
    "data.mount_replaced",
    _RISKY,
    "A folder of the node, or nothing lasting, is mounted where a named volume was; or the other way round.",
    "What the service wrote before is not there any more.",
)
FOLDER_MOVED = Rule(
    "data.folder_moved",
    _NOTICE,
    "A writable mount shows another folder of the node.",
    "What the service wrote before stays in the old folder.",
)
VOLUME_RECONFIGURED = Rule(
    "data.volume_reconfigured",
    _RISKY,
    "A volume keeps its name and gets another driver or other options.",
    "Compose cannot change a volume: it keeps the old one, or deletes it with its data when told to go on.",
)
DATABASE_MAJOR = Rule(
    "data.database_major",
    _RISKY,
    "The image of a database or store moves to another major version, or to one that cannot be compared.",
    "Many refuse the data of another major version, and few can go back.",
)
DATABASE_DOWNGRADE = Rule(
    "data.database_downgrade",
    _RISKY,
    "The image of a database or store moves to an older version.",
    "Data that the newer version wrote may be unreadable for the older one.",
)
STACK_REMOVED = Rule(
    "data.stack_removed",
    _RISKY,
    "A whole stack is gone.",
    "All its services stop. Its volumes stay on the node.",
)
PORT_PUBLISHED = Rule(
    "exposure.port_published",
    _NOTICE,
    "A port is newly published beyond the node's own loopback interface.",
    "It can be reached from the network, and Docker opens it past most host firewalls.",
)
PORT_CLOSED = Rule(
    "exposure.port_closed",
    _INFO,
    "A port is no longer published, or only on the node itself.",
    "Whoever connects to it loses it.",
)
BIND_ADDRESS = Rule(
    "exposure.bind_address",
    _RISKY,
    "A published port listens on another address that reaches further.",
    "What only this machine, or one network, could reach becomes reachable by more.",
)
HOST_NETWORK = Rule(
    "exposure.host_network",
    _RISKY,
    "A service joins the network of the node itself.",
    "Every port it opens is a port of the node, and it sees the node's loopback services.",
)
TRAEFIK_ROUTE = Rule(
    "exposure.traefik_route",
    _NOTICE,
    "A traefik label changes which requests reach a service, or where they go.",
    "A route may open to, or close for, people it was not meant for.",
)
TRAEFIK_TLS = Rule(
    "exposure.traefik_tls",
    _RISKY,
    "A traefik label changes or removes the TLS of a route.",
    "The route may be served unencrypted, or with another certificate.",
)
TRAEFIK_GUARD = Rule(
    "exposure.traefik_guard",
    _RISKY,
    "A traefik route loses a middleware, or a middleware is changed.",
    "Middlewares are where logins, address lists and rate limits live.",
)
FILE_GUARD = Rule(
    "exposure.file_guard",
    _RISKY,
    "A mounted configuration names authentication, TLS or a list of allowed addresses less often than before.",
    "What it guarded may be open to everybody who can reach it. Read the file's diff.",
)
UNPINNED = Rule(
    "image.unpinned",
    _NOTICE,
    "A new or changed image has no tag, or one that moves (latest, stable, edge ...).",
    "What runs depends on when the node last pulled, and cannot be rolled back to.",
)
OTHER_SOURCE = Rule(
    "image.other_source",
    _NOTICE,
    "An image comes from another registry or repository than before.",
    "Somebody else's build runs from now on.",
)
IMAGE_MAJOR = Rule(
    "image.major_version",
    _NOTICE,
    "The image of a service moves to another major version, forward or back.",
    "Settings and files of the other version may not be understood. Read its release notes.",
)
SECRET_CHANGED = Rule(
    "secret.changed",
    _NOTICE,
    "A secret value changes: an environment variable, a secret's source. The value is never shown.",
    "Whoever uses the old one is locked out; databases keep the password they were made with.",
)
HEALTHCHECK_REMOVED = Rule(
    "health.removed",
    _NOTICE,
    "A service's healthcheck is removed or disabled.",
    "A deployment cannot tell any more whether the service works.",
)
SAME_CONTAINER_NAME = Rule(
    "collision.container_name",
    _RISKY,
    "Two stacks of one node name a container alike.",
    "The engine refuses the second one while deploying.",
)
SAME_PORT = Rule(
    "collision.port",
    _RISKY,
    "Two services of one node publish the same port.",
    "The second one does not start: the port is taken.",
)
HAND_OVER = Rule(
    "collision.hand_over",
    _NOTICE,
    "A container name, a port or a fixed address passes from one service of the node to another.",
    "The one that had it is stopped before the other one is made: both are down meanwhile.",
)
SAME_SUBNET = Rule(
    "collision.subnet",
    _RISKY,
    "The subnets of two networks of one node overlap.",
    'The engine refuses the second one while deploying: "Pool overlaps with other one on this address space".',
)
SAME_NETWORK = Rule(
    "collision.network",
    _RISKY,
    "Two stacks of one node create a network of the same name.",
    "Compose refuses the second one: the network belongs to another project.",
)
SAME_VOLUME = Rule(
    "collision.volume",
    _RISKY,
    "Two stacks of one node make a volume of the same name.",
    "They share its data: one reads and overwrites what is the other's. Compose only warns.",
)
SAME_PROJECT = Rule(
    "collision.project",
    _RISKY,
    "Two stacks of one node have the same compose project name.",
    "Each takes the other's containers for its own left-overs.",
)
FOREIGN_PATH = Rule(
    "platform.foreign_path",
    _RISKY,
    "A Windows path is mounted on a Linux node, or a Linux path on a Windows one.",
    "The engine makes an empty folder there, or refuses; the service starts without its files.",
)
EXTERNAL_MISSING = Rule(
    "network.external_missing",
    _NOTICE,
    "A stack uses an external network that no stack of the node creates.",
    "Unless somebody made it by hand, the node creates it before the deploy, as a plain bridge.",
)
CONDITIONAL = Rule(
    "variable.conditional",
    _RISKY,
    "What compose reads depends on whether a variable is set that only the node knows: `${NAME:+text}`.",
    "The plan is made without the text; on the node any setting may be another. Set the variable in the fleet file, "
    "or write out what is meant.",
)
CREATED_LATER = Rule(
    "network.created_later",
    _RISKY,
    "A stack uses an external network that a stack deployed after it creates.",
    "It is not there yet when the first one starts. Change `order` in the fleet file.",
)

RULES: Mapping[str, Rule] = {
    rule.id: rule
    for rule in (
        VOLUME_DROPPED,
        VOLUME_RENAMED,
        MOUNT_REPLACED,
        FOLDER_MOVED,
        VOLUME_RECONFIGURED,
        DATABASE_MAJOR,
        DATABASE_DOWNGRADE,
        STACK_REMOVED,
        PORT_PUBLISHED,
        PORT_CLOSED,
        BIND_ADDRESS,
        HOST_NETWORK,
        TRAEFIK_ROUTE,
        TRAEFIK_TLS,
        TRAEFIK_GUARD,
        FILE_GUARD,
        *HOST_RULES,
        UNPINNED,
        OTHER_SOURCE,
        IMAGE_MAJOR,
        SECRET_CHANGED,
        HEALTHCHECK_REMOVED,
        SAME_CONTAINER_NAME,
        SAME_PORT,
        HAND_OVER,
        SAME_SUBNET,
        SAME_NETWORK,
        SAME_VOLUME,
        SAME_PROJECT,
        FOREIGN_PATH,
        EXTERNAL_MISSING,
        CREATED_LATER,
        CONDITIONAL,
    )
}
