"""A node's Docker Engine: its containers, images and networks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from bot.domain.names import ServiceName
from bot.engine.cli import DockerCli, DockerError
from bot.engine.containers import (
    ONEOFF,
    PROJECT,
    SERVICE,
    Container,
    Holding,
    parse_containers,
    parse_holdings,
)
from bot.engine.programs import is_own_program

REMOVAL_TIMEOUT = 30  # seconds

__all__ = ["Docker", "DockerError"]


class ContainersSeen(NamedTuple):
    """Containers as they were at one moment."""

    containers: tuple[Container, ...]
    holdings: dict[str, Holding]  # by id
    images: dict[str, str]  # the ids that the names of their images stand for


class Docker(DockerCli):
    """The engine, through the docker client."""

    @cached_property
    def host(self) -> str:
        """Where the engine is: "unix:///var/run/docker.sock", "npipe:////./pipe/docker_engine", "ssh://me@host"."""
        of_context = ("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
        return self.environment.get("DOCKER_HOST") or self.run(*of_context)

    def server_version(self) -> tuple[str, str]:
        """Name and version of the engine. Podman's socket speaks Docker's language and gives its own version."""
        form = "{{.Server.Version}}{{range .Server.Components}}|{{.Name}}{{end}}"
        version, *components = self.run("version", "--format", form).split("|")
        return ("Podman" if "Podman Engine" in components else "Docker Engine"), version

    def compose_version(self) -> str:
        """The version of the client's compose plugin. DockerError without one."""
        return self._info[1] or self.run("compose", "version", "--short")

    @cached_property
    def _info(self) -> tuple[str, str]:
        """The engine's data folder and the version of the compose plugin, in one command; "" for what it lacks."""
        fields = "{{.Version}}|{{.Path}}"
        plugin = f'{{{{range .ClientInfo.Plugins}}}}{{{{if and (eq .Name "compose") (not .Err)}}}}{fields}'
        found = self.run("info", "--format", "{{.DockerRootDir}}|" + plugin + "{{end}}{{end}}", check=False)
        folder, _, of_plugin = found.partition("|")
        version, _, path = of_plugin.partition("|")
        if is_own_program(self.program, "docker") and is_own_program(path, "docker-compose"):
            self._compose = path
        return folder, version

    def wait_until_reachable(
        self,
        seconds: float,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> bool:
        """Whether the engine answers, now or within `seconds`: it may be restarting, or start with the machine."""
        deadline = now() + seconds
        while True:
            try:
                self.server_version()
            except DockerError:
                if now() >= deadline:
                    return False
                sleep(1)
            else:
                return True

    def data_folder(self) -> Path | None:
        """The folder of this machine in which the engine keeps its images, or None when it cannot be seen here."""
        if not self.host.startswith("unix://"):
            return None
        folder = Path(self._info[0] or self.run("info", "--format", "{{.DockerRootDir}}") or "/nowhere")
        return folder if folder.is_dir() else None

    # -- containers -----------------------------------------------------------------------------------------

    def containers(self, projects: Iterable[str]) -> tuple[Container, ...]:
        """Every container of the compose projects, stopped ones too; one-off runs are left out."""
        return parse_containers(self._inspect(self._list(projects)))

    def look_at(self, projects: Iterable[str]) -> ContainersSeen:
        """What `containers` returns, with what belongs to them."""
        found = self._inspect(self._list(projects))
        containers = parse_containers(found)
        images = self.image_ids(container.image_name for container in containers)
        return ContainersSeen(containers, parse_holdings(found), images)

    def services(self, project: str) -> frozenset[ServiceName]:
        """The services of a compose project that have a container, a stopped one too; one-off runs do not count."""
        filters = (f"label={PROJECT}={project}", f"label={ONEOFF}=False")
        options = [word for one in filters for word in ("--filter", one)]
        listed = self.run("ps", "--all", *options, "--format", f'{{{{.Label "{SERVICE}"}}}}')
        return frozenset(map(ServiceName, listed.splitlines()))

    def _list(self, projects: Iterable[str]) -> list[str]:
        """Ids of the containers of these projects, without one-off runs."""
        wanted = set(projects)
        if not wanted:
            return []
        form = f'{{{{.ID}}}} {{{{.Label "{PROJECT}"}}}}'
        listed = self.run("ps", "--all", "--no-trunc", "--filter", f"label={ONEOFF}=False", "--format", form)
        found = (line.partition(" ") for line in listed.splitlines())
        return [one for one, _, project in found if project in wanted]

    def running_containers(self) -> tuple[Container, ...]:
        """Every container that runs on the engine, whoever made it."""
        return parse_containers(self._inspect(self.run("ps", "--quiet", "--no-trunc").split()))

    def wait_for_removals(self, projects: Sequence[str]) -> None:
        """Wait until the engine has removed what a killed compose was removing: it takes a moment longer."""
        for _ in range(REMOVAL_TIMEOUT):
            if not any(container.status == "removing" for container in self.containers(projects)):
                return
            time.sleep(1)

    def _inspect(self, ids: Sequence[str]) -> str:
        """What the client prints of the containers with these ids; one that is gone by now is left out."""
        return self.run("container", "inspect", *ids, check=False) if ids else "[]"

    def logs(self, container: str, *, lines: int) -> str:
        """The last lines that the container wrote, both streams in the order in which they came."""
        done = self.start(("logs", "--tail", str(lines), container), merge_errors=True)
        return self.redact(done.out.decode("utf-8", "replace").strip())

    def remove_service(self, project: str, service: ServiceName) -> None:
        """Stop and remove the containers of one service; its volumes stay. Needs no compose file."""
        filters = (f"label={PROJECT}={project}", f"label={SERVICE}={service}")
        options = [word for one in filters for word in ("--filter", one)]
        ids = self.run("ps", "--all", "--quiet", "--no-trunc", *options).split()
        if ids:
            self.run("stop", *ids)
            self.run("rm", "--force", *ids)

    def stop(self, containers: Iterable[Container]) -> None:
        """Stop these containers: they let go of their ports and addresses."""
        ids = [container.id for container in containers]
        if ids:
            self.run("stop", *ids)

    def rename(self, container: Container, name: str) -> None:
        """Give a container another name, so that its own is free."""
        self.run("rename", container.id, name)

    def holdings(self, containers: Iterable[Container]) -> dict[str, Holding]:
        """The names and addresses of these containers, by id."""
        return parse_holdings(self._inspect([container.id for container in containers]))

    def remove_project(self, project: str) -> None:
        """Remove a project's containers and networks by their labels, without its files; its volumes stay."""
        self.run("compose", "--project-name", project, "down", show=True)

    # -- images ---------------------------------------------------------------------------------------------

    def image_id(self, name: str) -> str:
        """Id of the image of that name, or "" when the engine holds none."""
        return self.run("image", "inspect", "--format", "{{.Id}}", name, check=False)

    def image_ids(self, names: Iterable[str]) -> dict[str, str]:
        """Ids of the images of these names, where the engine holds one."""
        wanted = sorted({name for name in names if name})
        if not wanted:
            return {}
        ids = self.run("image", "inspect", "--format", "{{.Id}}", *wanted, check=False).split()
        if len(ids) != len(wanted):
            ids = [self.image_id(name) for name in wanted]
        return {name: found for name, found in zip(wanted, ids, strict=True) if found}

    def restore_tag(self, container: Container) -> None:
        """Move the container's image name back to the image it was made from: a build or a pull may have moved it."""
        name, wanted = container.image_name, container.image
        if name and "@" not in name and self.image_id(name) not in ("", wanted) and self.image_id(wanted):
            self.run("image", "tag", wanted, name)

    # -- networks -------------------------------------------------------------------------------------------

    def network_names(self) -> frozenset[str]:
        """Names of the engine's networks."""
        return frozenset(self.run("network", "ls", "--format", "{{.Name}}").splitlines())

    def network_labels(self, label: str) -> dict[str, str]:
        """The value of one label of each network, by the networks' names; "" where there is none."""
        listed = self.run("network", "ls", "--format", f'{{{{.Name}}}}\t{{{{.Label "{label}"}}}}')
        pairs = (line.partition("\t") for line in listed.splitlines())
        return {name: value for name, _, value in pairs}

    def volume_names(self) -> frozenset[str]:
        """Names of the engine's volumes."""
        return frozenset(self.run("volume", "ls", "--format", "{{.Name}}").splitlines())

    def create_network(self, name: str, *, label: str) -> None:
        """Create a network with a label ("name=value")."""
        self.run("network", "create", "--label", label, name)

    def remove_network(self, name: str) -> None:
        """Disconnect whatever is attached to the network, and remove it; one that is gone is fine."""
        if name not in self.network_names():
            return
        attached = self.run("network", "inspect", "--format", "{{range $id, $_ := .Containers}}{{$id}} {{end}}", name)
        for container in attached.split():
            self.run("network", "disconnect", "--force", name, container)
        self.run("network", "rm", name)

    def bridge_gateway(self) -> str:
        """The address of the default bridge on the engine's host, or "" when it has none."""
        form = "{{range .IPAM.Config}}{{.Gateway}} {{end}}"
        return next(iter(self.run("network", "inspect", "--format", form, "bridge").split()), "")
