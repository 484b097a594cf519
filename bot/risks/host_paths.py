"""Judge what a path of the node holds, however it is spelled. Pure.

A folder that holds a part of the system is that part: `/var/lib` has the engine's data in it. `//etc`, `/etc/.`,
`/srv/../etc` and `/var/run` for `/run` are what they lead to; what lies below `/proc` or `/dev` is no plain file.
Links of the node itself cannot be seen from here.
"""

from __future__ import annotations

import posixpath
import re
from enum import Enum

from bot.plan.rendering import CHECKOUT
from bot.redaction.recognise import word_set


class Holds(Enum):
    """What stands behind a path of the node."""

    NOTHING = "nothing of the system"
    SYSTEM = "the system, or secrets of it"
    READABLE = "a part of the system without secrets, read-only"
    DEVICE = "a device that gives no more than its own hardware"
    STRONG_DEVICE = "a disk, or the memory"
    SOCKET = "the engine's socket"
    SOCKET_FOLDER = "a folder with the engine's socket, and more of the system"


# How a drive is spelled by Windows, WSL, Docker Desktop and, before folders that only Windows has, Git Bash.
_DRIVE = re.compile(
    r"(?i)([a-z]):|(?:/(?:mnt|host_mnt|run/desktop/mnt/host)/([a-z])"
    r"|/([a-z])(?=/(?:windows|users|programdata|program files)))(?=/|$)"
)
_WINDOWS = re.compile(
    r"[a-z]:(?:/(?:windows|program files|program files \(x86\)|programdata/docker|boot|recovery"
    r"|programdata/aios-bot-node|runner-[^/]+)(?:/.*)?"
    r"|/(?:users|programdata)?|/users/[^/]+(?:/\..*|/appdata(?:/.*)?)?)?"
)
_SOCKETS = re.compile(
    r"(?:/(?:docker|containerd|podman|crio|cri-dockerd|dockershim|buildkitd|libpod|nerdctl)(?:\.raw|-debug)?\.sock"
    r"|//\./pipe/.*)$"
)
_SOCKET_FOLDERS = re.compile(r"/(?:run(?:/(?:user(?:/[0-9]+)?|podman|docker|containerd|crio|libpod))?|var)?$")
# At, below and around these.
_SYSTEM = word_set(
    "/etc /root /proc /sys /boot /efi /dev /bin /sbin /lib /lib32 /lib64 /libx32 /usr /run /nix /snap "
    "/var/lib/docker /var/lib/containerd /var/lib/containers /var/lib/rancher /var/lib/kubelet /var/lib/systemd "
    "/var/lib/cloud /var/lib/dpkg /var/lib/rpm /var/lib/sudo /var/lib/misc /var/lib/snapd /var/lib/NetworkManager "
    "/var/lib/machines /var/lib/dkms /var/lib/aios-bot /var/lib/aios-bot-node /var/snap /swapfile "
    "/var/spool/cron /var/spool/at /var/spool/anacron /var/backups /private/etc /private/var /System /Library"
)
_WHOLE = word_set("/home /srv /opt /var/log /Users")  # these alone, and what is around them
# Plans have the checkout at the top: a path that leaves one in a home folder, `../../../../.ssh`, is `/.ssh` there.
_HOME = re.compile(
    r"(?:/home/[^/]+|/Users/[^/]+|~|)(?:/\.(?:ssh|docker|gnupg|aws|azure|kube|netrc|pgpass|git-credentials|gitconfig"
    r"|npmrc|pypirc|password-store|mozilla|profile|bash[^/]*|z[^/]*|[xX][^/]*|config/(?:systemd|gcloud|autostart|gh|containers|hub)"
    r"|local/(?:bin|share/(?:systemd|keyrings|docker|containers)))(?:/.*)?|/\.config|/\.local(?:/share)?)?"
)
_QUIET = word_set(
    "/etc/localtime /etc/timezone /etc/os-release /etc/hostname /etc/ssl/certs /etc/ca-certificates "
    "/etc/pki/ca-trust /usr/share/zoneinfo /usr/share/ca-certificates"
)
_READABLE = word_set(
    "/etc/machine-id /etc/hosts /etc/resolv.conf /etc/group /lib/modules /usr/lib/modules /usr/lib/os-release "
    "/usr/share /usr/local/share /usr/src /run/udev /sys/class /sys/devices /sys/bus /sys/block /var/log/journal"
)
# What runs orders, and what git starts: a container that writes there runs what it likes on the node.
_RUNS_ORDERS = re.compile(r"(?:/.*)?/(?:actions-runner|aios-bot-node|\.git|\.github)(?:/.*)?")
_STRONG_DEVICE = re.compile(
    r"/dev/(?:(?:s|h|v|xv)d[a-z]|nvme|ng[0-9]|root$|pmem|bcache|drbd|rbd|zram|pve|mmcblk|dm-|md[0-9/]|mapper|disk|block|loop|ram[0-9]|sg[0-9]|nbd|zd|zvol|mem$"
    r"|kmem|port$|kmsg|nvram|vfio|bsg|mtd|autofs|mcelog|btrfs-control|cpu|input|uinput|hidraw|uhid|console|tty$"
    r"|tty[0-9]|vcs|fd(?:/|$)|core$|std"
    # A volume of LVM: /dev/GROUP/NAME. The folders named here hold small devices.
    r"|(?!(?:dri|snd|net|bus|serial|v4l|dvb|usb|dma_heap|shm|pts|mqueue|hugepages|char|gpio|i2c|nvidia-caps)/)"
    r"[A-Za-z0-9_.+-]+/[^/]+$)"
)


def normalise_path(source: str) -> str:
    """`source` as the node will find it: one spelling for each path, drives as `c:/`."""
    path = source.replace("\\", "/")
    if path.lower().startswith(("//./pipe", "//?/")):
        return path
    if path[1:2] != ":":  # no way up leads out of a drive
        path = posixpath.normpath(path) if path else path
        path = f"/{path.lstrip('/')}" if path.startswith("/") else path
    drive = _DRIVE.match(path)
    if drive:
        rest = posixpath.normpath(f"/{path[drive.end() :]}").lstrip("/")
        return f"{(drive[1] or drive[2] or drive[3]).lower()}:/{rest}"
    return re.sub(r"^/var/run(?=/|$)", "/run", path)


def judge_path(source: str, *, read_only: bool) -> Holds:
    """What a mount of `source` gives away."""
    path = normalise_path(source)
    if _SOCKETS.search(path):
        return Holds.SOCKET
    if path[1:2] == ":":
        return Holds.SYSTEM if _WINDOWS.fullmatch(path.lower().rstrip("/")) else Holds.NOTHING
    if _SOCKET_FOLDERS.match(path):
        return Holds.SOCKET_FOLDER
    if path.startswith("/dev/"):
        return Holds.STRONG_DEVICE if _STRONG_DEVICE.match(path) else Holds.DEVICE
    if read_only and _is_below(path, _QUIET):
        return Holds.NOTHING
    if read_only and _is_below(path, _READABLE):
        return Holds.READABLE
    if not read_only and (path == CHECKOUT or _RUNS_ORDERS.fullmatch(path)):
        return Holds.SYSTEM
    if path in _WHOLE or _HOME.fullmatch(path) or _is_below(path, _SYSTEM) or _is_around(path):
        return Holds.SYSTEM
    return Holds.NOTHING


def judge_device(source: str) -> Holds:
    """What the device `source` gives away; the names of device plug-ins are no paths."""
    path = normalise_path(source)
    found = judge_path(path, read_only=False) if path.startswith("/") else Holds.DEVICE
    return Holds.DEVICE if found in (Holds.DEVICE, Holds.NOTHING) else Holds.STRONG_DEVICE


def _is_below(path: str, folders: frozenset[str]) -> bool:
    parts = path.split("/")
    return any("/".join(parts[:length]) in folders for length in range(1, len(parts) + 1))


def _is_around(path: str) -> bool:
    start = f"{path.rstrip('/')}/"
    return path.startswith("/") and any(folder.startswith(start) for folder in (*_SYSTEM, *_WHOLE))
