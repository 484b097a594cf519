"""Start a separate Docker Engine for a demo or a test, and remove every trace of it afterwards.

The engine runs in its own process, mount and network namespaces: several run side by side without conflicts over
bridges, firewall rules or published ports; stacks that mount /var/run/docker.sock get this engine's socket; and
when its first process ends, so does every container and mount. Images come from `make_image`, because a sandbox
reaches no registry.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import os
import shlex
import shutil
import signal
import subprocess
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from bot.domain.errors import BotError
from bot.settings.environment import docker_environment

START_TIMEOUT = 60  # seconds
MAX_ROOT_LENGTH = 60  # characters: containerd's socket below it must stay under the kernel's 108

# The entry point of every image: the stack's command if it is a program, otherwise a small server that ends at once
# on SIGTERM and prints a line on SIGHUP.
_SERVICE = """#!/bin/sh
if [ $# -gt 0 ] && command -v "$1" >/dev/null 2>&1; then exec "$@"; fi
echo "version $(cat /version) $*"
trap 'exit 0' TERM INT
trap 'echo reloaded' HUP
httpd -p 8080 -h /www
sleep 2147483647 &
while :; do wait $!; done
"""

# Runs as the first process of the new namespaces; `exec` makes dockerd that process.
_BOOT = """set -e
{busybox} ip link set lo up
mount -t tmpfs tmpfs /run
ln -s {root}/docker.sock /run/docker.sock
exec {dockerd}
"""


class EngineError(BotError):
    """There is no engine. The message says what is missing, or quotes the engine's log."""


class Engine:
    """A reachable Docker Engine. `environment` is what a docker client needs to reach it, and nothing else."""

    def __init__(self, host: str, environment: dict[str, str]) -> None:
        self.host = host  # "unix:///tmp/x/docker.sock"
        self.environment = environment

    def docker(self, *arguments: str, stdin: bytes | None = None, timeout: float | None = None) -> str:
        """Standard output of one docker command against this engine.

        Raises EngineError with its error output, or when it has not ended after `timeout` seconds.
        """
        command = ["docker", *arguments]
        try:
            done = subprocess.run(
                command, env=self.environment, input=stdin, capture_output=True, check=False, timeout=timeout
            )
        except subprocess.TimeoutExpired:
            raise EngineError(f"docker {arguments[0]} did not end within {timeout} seconds") from None
        if done.returncode != 0:
            output = done.stderr.decode("utf-8", "replace").strip()
            raise EngineError(f"docker {arguments[0]} failed: {output[-500:]}")
        return done.stdout.decode("utf-8", "replace").strip()

    def make_image(self, name: str, *, version: str = "1") -> str:
        """Make a small image, tag it `name`, and return its id.

        It holds busybox with all its programs, the text `version` in /version, and a server on port 8080 as
        its entry point; a command that names one of its programs runs that instead.
        """
        return self.docker(
            "import", "--change", 'ENTRYPOINT ["/service"]', "-", name, stdin=_image_tar(_static_busybox(), version)
        )


class SeparateEngine(Engine):
    """An engine that this process started below `root`, with its first process."""

    def __init__(self, root: Path, environment: dict[str, str], boot: Callable[[], subprocess.Popen[bytes]]) -> None:
        super().__init__(f"unix://{root}/docker.sock", environment)
        self._root = root
        self._boot = boot
        self._process = boot()

    def with_compose(self, program: Path) -> Engine:
        """The same engine for a client that has another compose."""
        folder = self._root / "client" / hashlib.sha256(str(program).encode()).hexdigest()[:8]
        (folder / "cli-plugins").mkdir(parents=True, exist_ok=True)
        link = folder / "cli-plugins/docker-compose"
        link.unlink(missing_ok=True)
        link.symlink_to(program)
        return Engine(self.host, self.environment | {"DOCKER_CONFIG": str(folder)})

    def wait_until_ready(self) -> None:
        """Return when it answers. Raises EngineError with the engine's log if it does not start."""
        _wait_until_ready(self, self._process, self._root)

    def restart(self) -> None:
        """Kill it with all its containers, and start it again with the same images, containers and volumes."""
        self.end()
        _remove_tree(self._root / "exec")
        (self._root / "docker.sock").unlink(missing_ok=True)
        self._process = self._boot()
        self.wait_until_ready()

    def end(self) -> None:
        """Kill it with all its containers."""
        _end(self._process)


def find_engine() -> Engine | None:
    """The engine that this machine's docker client uses, or None."""
    if shutil.which("docker") is None:
        return None
    environment = docker_environment()
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=30)
    if done.returncode != 0 or not done.stdout.strip():
        return None
    context = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    host = subprocess.run(context, env=environment, capture_output=True, check=False).stdout.decode().strip()
    return Engine(environment.get("DOCKER_HOST") or host, environment)


@contextlib.contextmanager
def start_engine(root: Path, *, keep: bool = False, programs: Path | None = None) -> Iterator[SeparateEngine]:
    """A new engine that keeps everything below `root` (made if missing, emptied at the end). Needs root.

    With `keep` its images and containers stay: the next engine at `root` is the same one, started again. `programs`
    is a folder of another engine's files (usr/bin, usr/sbin); it keeps its images in containerd's store.
    Raises EngineError if this machine lacks something, or with the engine's log if it does not start.
    """
    busybox = _static_busybox()
    root = _prepared(root)
    if programs is not None:
        (root / "daemon.json").write_text('{"features": {"containerd-snapshotter": true}}\n')
    parent = f"aios-bot-{uuid.uuid4().hex[:12]}"
    (root / "cgroup").write_text(parent)  # for whoever removes what is left of an engine that was killed
    dockerd = [
        str(programs / "usr/sbin/dockerd") if programs else _program("dockerd", "apt-get install docker.io"),
        *("--host", f"unix://{root}/docker.sock", "--config-file", f"{root}/daemon.json"),
        *("--data-root", f"{root}/data", "--exec-root", f"{root}/exec", "--pidfile", "/run/dockerd.pid"),
        *("--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", f"/{parent}"),
    ]
    boot = _BOOT.format(busybox=shlex.quote(str(busybox)), root=shlex.quote(str(root)), dockerd=shlex.join(dockerd))
    command = [
        # If this process is killed, the engine is killed too.
        *(_program("setpriv", "apt-get install util-linux"), "--pdeathsig", "KILL", "--"),
        *(_program("unshare", "apt-get install util-linux"), "--net", "--mount", "--propagation", "slave"),
        *("--pid", "--fork", "--kill-child", "--mount-proc", "--", "sh", "-c", boot),
    ]
    environment = docker_environment()
    own = f"{programs}/usr/sbin:{programs}/usr/bin:" if programs is not None else ""
    path = f"{own}{environment.get('PATH', os.defpath)}:/usr/sbin:/sbin"

    def boot_engine() -> subprocess.Popen[bytes]:
        with (root / "dockerd.log").open("ab") as log:
            return subprocess.Popen(
                command, env={"PATH": path}, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    engine = SeparateEngine(root, _client_environment(environment, root), boot_engine)
    try:
        engine.wait_until_ready()
        yield engine
    finally:
        engine.end()
        remove_remains(root, keep=keep)


def remove_remains(root: Path, *, keep: bool = False) -> None:
    """Remove what an engine that ended left below `root`, and its control groups; with `keep` not its data."""
    if (root / "cgroup").exists():
        _remove_cgroups((root / "cgroup").read_text())
    for leftover in ("exec",) if keep else ("data", "exec", "client"):
        _remove_tree(root / leftover)


def _prepared(root: Path) -> Path:
    if os.geteuid() != 0:
        raise EngineError("starting a separate Docker Engine needs root: run this with sudo")
    root.mkdir(parents=True, exist_ok=True)
    root = root.resolve()
    if len(str(root)) > MAX_ROOT_LENGTH:
        raise EngineError(
            f"{root} is too long a path for an engine's sockets: use one under {MAX_ROOT_LENGTH} characters"
        )
    (root / "docker.sock").unlink(missing_ok=True)  # left by an engine that was killed
    (root / "daemon.json").write_text("{}\n")  # instead of the machine's
    return root


def _program(name: str, cure: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        raise EngineError(f"`{name}` is missing on this machine: {cure}")
    return found


def _static_busybox() -> Path:
    path = Path(_program("busybox", "apt-get install busybox-static"))
    with path.open("rb") as program:
        head = program.read(8192)
    if b"/ld-linux" in head or b"/ld-musl" in head:
        raise EngineError(
            f"{path} needs shared libraries, so no image can be made of it: apt-get install busybox-static"
        )
    return path


def _client_environment(environment: dict[str, str], root: Path) -> dict[str, str]:
    # A separate folder for the client: without the contexts and credentials of this machine's user, and with compose.
    plugins = root / "client" / "cli-plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    compose = _find_compose()
    if compose is not None and not (plugins / "docker-compose").exists():
        (plugins / "docker-compose").symlink_to(compose)
    kept = {name: value for name, value in environment.items() if not name.startswith("DOCKER_")}
    return kept | {"DOCKER_HOST": f"unix://{root}/docker.sock", "DOCKER_CONFIG": str(root / "client")}


def _find_compose() -> Path | None:
    """The compose program of the Python package, otherwise on PATH; None: use the machine's docker plugins."""
    package = importlib.util.find_spec("compose")
    for folder in (package.submodule_search_locations or ()) if package else ():
        if (Path(folder) / "docker-compose").is_file():
            return Path(folder) / "docker-compose"
    found = shutil.which("docker-compose")
    return Path(found) if found else None


def _wait_until_ready(engine: Engine, process: subprocess.Popen[bytes], root: Path) -> None:
    _program("docker", "apt-get install docker.io (or docker-cli)")
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        if (root / "docker.sock").exists():
            with contextlib.suppress(EngineError):
                engine.docker("version", "--format", "{{.Server.Version}}")
                return
        time.sleep(0.05)
    words = (root / "dockerd.log").read_text("utf-8", "replace").strip().splitlines()[-5:]
    raise EngineError("the Docker Engine did not start; the end of its log:\n" + "\n".join(words))


def _end(process: subprocess.Popen[bytes]) -> None:
    # Kill the first process of the namespace and not its parent, which has to reap it.
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    with contextlib.suppress(OSError):
        for child in children.read_text().split():
            os.kill(int(child), signal.SIGKILL)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _image_tar(busybox: Path, version: str) -> bytes:
    applets = subprocess.run([busybox, "--list"], capture_output=True, check=True).stdout.decode().split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(busybox, "bin/busybox")
        for applet in applets:
            if applet != "busybox":
                link = tarfile.TarInfo(f"bin/{applet}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                archive.addfile(link)
        for folder, mode in (("tmp", 0o1777), ("etc", 0o755), ("www", 0o755)):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            archive.addfile(entry)
        for path, text, mode in (
            ("service", _SERVICE, 0o755),
            ("version", f"{version}\n", 0o644),
            ("www/version", f"{version}\n", 0o644),
            ("www/index.html", f"{version}\n", 0o644),
            ("etc/passwd", "root:x:0:0:root:/:/bin/sh\n", 0o644),
        ):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(text.encode()), mode
            archive.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def _remove_cgroups(parent: str) -> None:
    base = Path("/sys/fs/cgroup")
    for top in (base / parent, *base.glob(f"*/{parent}")):
        for folder, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):  # a dying process may stay in it for a moment
                Path(folder).rmdir()


def _remove_tree(path: Path) -> None:
    for _ in range(20):  # the kernel unmounts the namespace's file systems a moment after its processes end
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        time.sleep(0.1)
