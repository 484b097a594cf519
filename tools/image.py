"""Build the image from the Dockerfile without a registry, start it, and print its sizes: `python -m tools.image`.

Its bases come from registries; here a bare root of Debian 13 with Python 3.13 stands in for Python's image, and this
machine's docker and Compose for theirs. Everything else is the Dockerfile's: packages by apt, libraries by pip with
their hashes. Needs root, buildah, debootstrap, Docker's engine, and mirrors of Debian and PyPI.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sandbox.engine import Engine, EngineError, start_engine

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache/image"
SUITE = "trixie"
PACKAGES = "python3,python3-venv,python-is-python3,ca-certificates"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
NAME = "localhost/aios-bot"
START_LIMIT = 120  # seconds until the image's own health check has passed


class ImageError(Exception):
    """The image could not be built or started."""


class Builder:
    """buildah with a storage of its own."""

    def __init__(self, folder: Path) -> None:
        self._options = ("--root", str(folder / "root"), "--runroot", str(folder / "run"), "--storage-driver", "vfs")

    def run(self, *words: str) -> str:
        """What `buildah WORDS` prints. Raises ImageError with the end of its messages."""
        command = ["buildah", *self._options, *words]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ImageError(f"buildah {words[0]} failed:\n{(done.stdout + done.stderr)[-3000:]}")
        return done.stdout.strip()

    def commit(self, name: str, source: Path, target: str) -> str:
        """An image of nothing but `source` at `target`; its name."""
        container = self.run("from", "scratch")
        self.run("add", "--quiet", container, str(source), target)
        self.run("config", "--env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container)
        self.run("commit", "--quiet", container, f"localhost/{name}")
        self.run("rm", container)
        return f"localhost/{name}"


def main() -> None:
    """Build, start, measure."""
    for program, cure in (("buildah", "buildah"), ("debootstrap", "debootstrap"), ("docker", "docker.io")):
        if shutil.which(program) is None:
            sys.exit(f"image: {program} is missing: apt-get install {cure}")
    with tempfile.TemporaryDirectory(prefix="image-") as name:
        folder = Path(name)
        builder = Builder(folder / "storage")
        try:
            build(builder)
            base, own = measure(builder, folder / "oci")
            start(builder, folder)
        except (ImageError, EngineError) as problem:
            sys.exit(f"image: {problem}")
        mounted = builder.run("mount", builder.run("from", NAME))
        unpacked = int(subprocess.check_output(["du", "-sx", "--block-size=1", mounted]).split()[0])
    print(f"image: built, and healthy by its own check; compressed layers {(base + own) / 1e6:.0f} MB")
    print(f"image:   of which the base {base / 1e6:.0f} MB and what the Dockerfile adds {own / 1e6:.0f} MB")
    print(f"image: unpacked {unpacked / 1e6:.0f} MB")


def build(builder: Builder) -> None:
    """Build the Dockerfile on stand-ins for its bases."""
    docker = shutil.which("docker")
    compose = next(iter(sorted(Path(sys.prefix).glob("lib/python*/site-packages/compose/docker-compose"))), None)
    if docker is None or compose is None:
        raise ImageError("this environment has no docker or no docker-compose: run tools/setup demo")
    bases = {
        "PYTHON_IMAGE": builder.commit("base-python", make_root(), "/"),
        "DOCKER_IMAGE": builder.commit("base-docker", Path(docker).resolve(), "/usr/local/bin/docker"),
        "COMPOSE_IMAGE": builder.commit("base-compose", compose, "/docker-compose"),
    }
    arguments = [word for key, value in bases.items() for word in ("--build-arg", f"{key}={value}")]
    quiet = ("--pull-never", "--isolation", "chroot", "--network", "host", "--format", "docker")
    builder.run("bud", *quiet, *arguments, "--layers=false", "--tag", NAME, "--ignorefile", ".dockerignore", ".")


def make_root() -> Path:
    """A bare root of Debian with Python, which trusts whom this machine trusts. Kept for the next time."""
    folder, whole = CACHE / SUITE, CACHE / f"{SUITE}-whole"
    if not whole.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ImageError(f"debootstrap failed:\n{(done.stdout + done.stderr)[-3000:]}")
        shutil.rmtree(folder / "var/cache/apt/archives", ignore_errors=True)
        whole.touch()
    if CERTIFICATES.exists():
        shutil.copyfile(CERTIFICATES, folder / str(CERTIFICATES).lstrip("/"))
    return folder


def measure(builder: Builder, folder: Path) -> tuple[int, int]:
    """The compressed bytes of the base's layer, and of the layers above it."""
    builder.run("push", "--quiet", NAME, f"oci:{folder}:latest")

    def read(digest: str) -> dict[str, list[dict[str, str]]]:
        found: dict[str, list[dict[str, str]]] = json.loads(
            (folder / "blobs" / digest.replace(":", "/")).read_text(encoding="utf-8")
        )
        return found

    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    layers = read(index["manifests"][0]["digest"])["layers"]
    sizes = [int(layer["size"]) for layer in layers]
    return sizes[0], sum(sizes[1:])


def start(builder: Builder, folder: Path) -> None:
    """Start the image on an engine of its own, and wait until its own health check has passed."""
    archive = folder / "image.tar"
    builder.run("push", "--quiet", NAME, f"docker-archive:{archive}:{NAME}:latest")
    with start_engine(folder / "engine") as engine:
        engine.docker("load", "--input", str(archive))
        archive.unlink()
        version = engine.docker("run", "--rm", NAME, "--version").strip()
        print(f"image: {version}")
        container = engine.docker("run", "--detach", "--network", "host", NAME).strip()
        wait_until_healthy(engine, container)


def wait_until_healthy(engine: Engine, container: str) -> None:
    """Wait for the engine's word. Raises ImageError with the container's output."""
    deadline = time.monotonic() + START_LIMIT
    while True:
        state = engine.docker("inspect", "--format", "{{.State.Status}} {{.State.Health.Status}}", container).split()
        if state == ["running", "healthy"]:
            return
        if state[0] != "running" or time.monotonic() > deadline:
            raise ImageError(f"it is {' '.join(state)}: {engine.docker('logs', container)[-3000:]}")
        time.sleep(1)


if __name__ == "__main__":
    main()
