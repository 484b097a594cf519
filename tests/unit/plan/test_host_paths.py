"""What a path of the node gives away, in every spelling."""

from __future__ import annotations

import pytest

from bot.redaction.recognise import word_set
from bot.risks.host_paths import Holds, judge_device, judge_path, normalise_path

SYSTEM = sorted(
    word_set(
        "/etc /etc/ //etc ///etc/. /etc/. /srv/../etc /srv/a/../../etc /etc/cron.d "
        "/etc/systemd/system /etc/sudoers.d "
        "/etc/docker /root /root/.ssh/authorized_keys /proc /proc/1/root /proc/self/root/etc /sys "
        "/boot /usr /usr/bin "
        "/bin /sbin /lib /lib64 /var/lib /var/lib/docker /var/lib/docker/volumes "
        "/var/lib/containerd /var/spool/cron/x "
        "/var/spool /var/log /home /home/ada /home/ada/.ssh /home/ada/.docker/config.json /home/ada/.bashrc "
        "/.ssh /.docker/config.json "
        "/home/ada/.config/systemd/user ~ ~/.ssh /srv /opt /run/systemd /run/dbus /var/run/dbus /private "
        "C:\\ C: c:/ C:\\Windows c:/windows/system32 C:\\Users C:\\Users\\ada\\.ssh C:\\ProgramData\\docker /mnt/c "
        "/mnt/c/Windows /host_mnt/c /run/desktop/mnt/host/c /c/Windows/System32 C:\\Users\\ada\\AppData\\Roaming "
        "C:\\a\\..\\..\\Windows c:/x/../../Users C:..\\Windows /mnt/x/../c/Windows"
    )
)
FOLDERS = sorted(
    word_set("/ // /. /run /var/run /var /run/podman /run/user/1000 /run/user /run/containerd /var/run/docker")
)
SOCKETS = sorted(
    word_set(
        "/var/run/docker.sock /run/docker.sock //run//docker.sock /run/user/1000/docker.sock "
        "/run/podman/podman.sock "
        "/run/containerd/containerd.sock /run/crio/crio.sock /run/buildkit/buildkitd.sock "
        "\\\\.\\pipe\\docker_engine "
        "//./pipe/docker_engine /home/ada/.docker/desktop/docker.sock"
    )
)
STRONG = sorted(
    word_set(
        "/dev/sda /dev/sda1 /dev/nvme0n1 /dev/mmcblk0 /dev/mem /dev/kmem /dev/port "
        "/dev/disk/by-id/x /dev/mapper/root "
        "/dev/dm-0 /dev/../dev/sda //dev/sda /dev/input/event0 /dev/vfio/1 /dev/tty1 /dev/loop0 /dev/md0 /dev/fd/3"
    )
)
DEVICES = sorted(
    word_set(
        "/dev/dri /dev/dri/renderD128 /dev/ttyUSB0 /dev/snd /dev/bus/usb /dev/net/tun /dev/fuse /dev/shm /dev/sr0"
    )
)
NOTHING = sorted(
    word_set(
        "/srv/app /opt/app /data /mnt /media /mnt/data /var/lib/grafana /var/log/nginx /home/ada/app "
        "/home/ada/.config/app /fleet/server/conf /etcetera /rooted /usrlocal /homes/x D:\\data c:/aios "
        "C:\\Users\\ada\\data /mnt/d/media /tmp x"
    )
)


# Who writes there owns the node: by what runs at a boot, an update or a login, and by what the engines, the package
# managers and everybody's jobs believe. Keys and passwords lie there, too.
BELONGS_TO_THE_SYSTEM = sorted(
    word_set(
        "/dev /efi /lib32 /libx32 /nix /snap /swapfile /System /Library /Users /private/etc /private/var "
        "/var/backups /var/snap /var/spool/anacron /var/spool/at "
        "/var/lib/NetworkManager /var/lib/aios-bot /var/lib/aios-bot-node "
        "/var/lib/cloud /var/lib/containers /var/lib/dkms /var/lib/dpkg /var/lib/kubelet /var/lib/machines "
        "/var/lib/misc /var/lib/rancher /var/lib/rpm /var/lib/snapd /var/lib/sudo /var/lib/systemd"
    )
)


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("path", BELONGS_TO_THE_SYSTEM)
def test_what_the_system_keeps_elsewhere_belongs_to_it(path: str, *, read_only: bool) -> None:
    assert judge_path(path, read_only=read_only) is Holds.SYSTEM
    assert judge_path(f"{path}/x", read_only=read_only) is (Holds.DEVICE if path == "/dev" else Holds.SYSTEM)
    assert judge_path(f"{path}x", read_only=read_only) is Holds.NOTHING


@pytest.mark.parametrize(
    ("path", "read"),
    [
        *((path, Holds.NOTHING) for path in ("/etc/hostname", "/etc/os-release", "/etc/ca-certificates/x")),
        *((path, Holds.NOTHING) for path in ("/etc/pki/ca-trust/source", "/usr/share/ca-certificates")),
        *((path, Holds.READABLE) for path in ("/etc/group", "/etc/machine-id", "/etc/resolv.conf", "/sys/block")),
        *((path, Holds.READABLE) for path in ("/sys/bus/usb", "/sys/devices", "/usr/lib/modules")),
        *((path, Holds.READABLE) for path in ("/usr/lib/os-release", "/usr/local/share/x", "/usr/share")),
    ],
)
def test_what_holds_no_secret_may_be_read_and_not_written(path: str, read: Holds) -> None:
    assert (judge_path(path, read_only=True), judge_path(path, read_only=False)) == (read, Holds.SYSTEM)


@pytest.mark.parametrize("path", SYSTEM)
def test_the_system_in_every_spelling(path: str) -> None:
    assert judge_path(path, read_only=False) is Holds.SYSTEM


@pytest.mark.parametrize("path", FOLDERS)
@pytest.mark.parametrize("read_only", [True, False])
def test_a_folder_around_the_socket_is_the_socket(path: str, *, read_only: bool) -> None:
    assert judge_path(path, read_only=read_only) is Holds.SOCKET_FOLDER


@pytest.mark.parametrize("path", SOCKETS)
@pytest.mark.parametrize("read_only", [True, False])
def test_sockets_of_every_engine(path: str, *, read_only: bool) -> None:
    assert judge_path(path, read_only=read_only) is Holds.SOCKET


@pytest.mark.parametrize("path", STRONG)
def test_disks_and_memory(path: str) -> None:
    assert judge_path(path, read_only=True) is Holds.STRONG_DEVICE
    assert judge_device(path) is Holds.STRONG_DEVICE


@pytest.mark.parametrize("path", DEVICES)
def test_other_devices_are_their_own_hardware(path: str) -> None:
    assert judge_path(path, read_only=False) is Holds.DEVICE
    assert judge_device(path) is Holds.DEVICE


@pytest.mark.parametrize("path", NOTHING)
@pytest.mark.parametrize("read_only", [True, False])
def test_what_home_labs_mount_every_day_is_quiet(path: str, *, read_only: bool) -> None:
    assert judge_path(path, read_only=read_only) is Holds.NOTHING


@pytest.mark.parametrize("path", ["/etc/localtime", "/etc/timezone", "/etc/ssl/certs", "/usr/share/zoneinfo/UTC"])
def test_the_clock_and_certificates_may_be_read(path: str) -> None:
    assert judge_path(path, read_only=True) is Holds.NOTHING
    assert judge_path(path, read_only=False) is Holds.SYSTEM


@pytest.mark.parametrize(
    "path", ["/lib/modules", "/usr/src/linux", "/run/udev", "/sys/class/net", "/var/log/journal"]
)
def test_other_parts_of_the_system_may_be_read_with_a_word(path: str) -> None:
    assert judge_path(path, read_only=True) is Holds.READABLE


@pytest.mark.parametrize(
    "path", ["/etc", "/etc/shadow", "/root", "/proc", "/usr", "/var/log", "/home/ada/.ssh", "/sys"]
)
def test_reading_secrets_is_as_bad_as_writing(path: str) -> None:
    assert judge_path(path, read_only=True) is Holds.SYSTEM


@pytest.mark.parametrize("name", ["nvidia.com/gpu=all", "vendor.example/class=x"])
def test_names_of_device_plug_ins_are_no_paths(name: str) -> None:
    assert judge_device(name) is Holds.DEVICE


def test_a_device_that_is_no_device_is_worse() -> None:
    assert judge_device("/etc/shadow") is Holds.STRONG_DEVICE
    assert judge_device("/srv/x") is Holds.DEVICE


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("/a//b/../c/", "/a/c"),
        ("//a", "/a"),
        ("C:\\A\\..\\B", "c:/B"),
        ("/mnt/C", "c:/"),
        ("/mnt/cd", "/mnt/cd"),
        ("/var/run/x", "/run/x"),
        ("/var/running", "/var/running"),
        ("~/x", "~/x"),
        ("", ""),
        ("/c/data", "/c/data"),
        ("/c/Users/x", "c:/Users/x"),
    ],
)
def test_one_spelling_for_each_path(path: str, plain: str) -> None:
    assert normalise_path(path) == plain
