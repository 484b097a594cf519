"""What is known of every key of the Compose specification: harmless, judged by rules, or judged by nobody. Pure.

`container.` stands for a service, a job and a hook before a start: they take the same keys. `*` is a name. The keys
are those of the schema in `tools/compose`; a test fails when one of them has no line here.
"""

from __future__ import annotations

from typing import NamedTuple

_OWN = "it changes the container's own view, inside its walls"
_LESS = "it takes something away from the container, or limits it"
_MORE = "it is a part of what the other keys beside it say, and adds no reach to them"
_SWARM = "compose does not use it, or refuses it, outside of a swarm"
_TIMING = "it says when and how often something runs that is judged by itself"
_READ = "compose resolves it before a plan is made, and only from files of the checkout"
_NAMES = "it is a name or a note; programs that obey labels have rules"
_BUILD = "the build runs in a container without privileges, and gets nothing of the node by it"

HARMLESS: tuple[tuple[str, str], ...] = (
    (
        _OWN,
        (
            "c.command c.entrypoint c.working_dir c.hostname c.domainname c.dns c.dns_opt c.dns_search c.expose "
            "c.extra_hosts c.init c.mac_address c.stdin_open c.tty c.tmpfs c.umask c.stop_signal c.group_add "
            "c.sysctls "
            "c.links c.external_links c.platform c.networks c.networks.*.aliases c.networks.*.gw_priority "
            "c.networks.*.interface_name c.networks.*.ipv4_address c.networks.*.ipv6_address "
            "c.networks.*.link_local_ips c.networks.*.mac_address c.networks.*.priority "
            "c.networks.*.use_service_name_alias c.configs c.configs.gid c.configs.mode c.configs.source "
            "c.configs.target c.configs.uid c.secrets c.secrets.gid c.secrets.mode c.secrets.source c.secrets.target "
            "c.secrets.uid c.volumes.tmpfs c.volumes.tmpfs.mode c.volumes.tmpfs.size c.volumes.image "
            "c.volumes.image.subpath c.post_start c.post_start.command c.post_start.environment "
            "c.post_start.working_dir c.pre_stop c.pre_stop.command c.pre_stop.environment c.pre_stop.working_dir"
        ),
    ),
    (
        _LESS,
        (
            "c.cap_drop c.read_only c.pids_limit c.mem_limit c.mem_reservation c.mem_swappiness c.memswap_limit "
            "c.shm_size c.storage_opt c.cpus c.cpu_count c.cpu_percent c.cpu_period c.cpu_quota c.cpu_shares "
            "c.cpuset "
            "c.ulimits c.ulimits.*.hard c.ulimits.*.soft c.blkio_config c.blkio_config.device_read_bps "
            "c.blkio_config.device_read_bps.path c.blkio_config.device_read_bps.rate c.blkio_config.device_read_iops "
            "c.blkio_config.device_read_iops.path c.blkio_config.device_read_iops.rate "
            "c.blkio_config.device_write_bps "
            "c.blkio_config.device_write_bps.path c.blkio_config.device_write_bps.rate "
            "c.blkio_config.device_write_iops c.blkio_config.device_write_iops.path "
            "c.blkio_config.device_write_iops.rate c.blkio_config.weight c.blkio_config.weight_device "
            "c.blkio_config.weight_device.path c.blkio_config.weight_device.weight c.deploy c.deploy.resources "
            "c.deploy.resources.limits c.deploy.resources.limits.cpus c.deploy.resources.limits.memory "
            "c.deploy.resources.limits.pids c.deploy.resources.reservations c.deploy.resources.reservations.cpus "
            "c.deploy.resources.reservations.memory"
        ),
    ),
    (
        _MORE,
        (
            "c.volumes.consistency c.volumes.read_only c.volumes.target c.volumes.volume c.volumes.volume.labels "
            "c.volumes.volume.nocopy c.volumes.volume.subpath c.volumes.bind c.volumes.bind.create_host_path "
            "c.volumes.bind.recursive c.devices.permissions c.devices.target c.gpus.capabilities c.gpus.count "
            "c.gpus.device_ids c.gpus.driver c.gpus.options c.deploy.resources.reservations.devices.capabilities "
            "c.deploy.resources.reservations.devices.count c.deploy.resources.reservations.devices.device_ids "
            "c.deploy.resources.reservations.devices.driver c.deploy.resources.reservations.devices.options "
            "c.ports.app_protocol c.ports.mode c.ports.name c.provider.options c.logging.options services networks "
            "volumes networks.*.ipam.options networks.*.ipam.config networks.*.ipam.config.aux_addresses "
            "networks.*.ipam.config.gateway networks.*.ipam.config.ip_range networks.*.enable_ipv4 "
            "networks.*.enable_ipv6 networks.*.attachable networks.*.external networks.*.external.name "
            "volumes.*.external.name c.build"
        ),
    ),
    (
        _SWARM,
        (
            "c.deploy.endpoint_mode c.deploy.labels c.deploy.mode c.deploy.placement c.deploy.placement.constraints "
            "c.deploy.placement.max_replicas_per_node c.deploy.placement.preferences "
            "c.deploy.placement.preferences.spread c.deploy.resources.reservations.generic_resources "
            "c.deploy.resources.reservations.generic_resources.discrete_resource_spec "
            "c.deploy.resources.reservations.generic_resources.discrete_resource_spec.kind "
            "c.deploy.resources.reservations.generic_resources.discrete_resource_spec.value c.deploy.rollback_config "
            "c.deploy.rollback_config.delay c.deploy.rollback_config.failure_action "
            "c.deploy.rollback_config.max_failure_ratio c.deploy.rollback_config.monitor "
            "c.deploy.rollback_config.order c.deploy.rollback_config.parallelism c.deploy.update_config "
            "c.deploy.update_config.delay c.deploy.update_config.failure_action "
            "c.deploy.update_config.max_failure_ratio c.deploy.update_config.monitor c.deploy.update_config.order "
            "c.deploy.update_config.parallelism configs.*.template_driver configs.*.external configs.*.external.name "
            "secrets.*.driver secrets.*.driver_opts secrets.*.template_driver secrets.*.external "
            "secrets.*.external.name"
        ),
    ),
    (
        _TIMING,
        (
            "c.depends_on c.depends_on.*.condition c.depends_on.*.required c.depends_on.*.restart "
            "c.healthcheck.interval c.healthcheck.retries c.healthcheck.start_interval c.healthcheck.start_period "
            "c.healthcheck.timeout c.restart c.deploy.restart_policy c.deploy.restart_policy.condition "
            "c.deploy.restart_policy.delay c.deploy.restart_policy.max_attempts c.deploy.restart_policy.window "
            "c.deploy.replicas c.scale c.stop_grace_period c.attach c.per_replica c.pull_policy c.pull_refresh_after "
            "c.profiles c.triggers c.triggers.manual c.triggers.schedule c.triggers.schedule.concurrency "
            "c.triggers.schedule.cron c.triggers.schedule.missed_fires c.triggers.schedule.timezone c.pre_start "
            "c.develop c.develop.watch c.develop.watch.action c.develop.watch.exec c.develop.watch.exec.command "
            "c.develop.watch.exec.environment c.develop.watch.exec.privileged c.develop.watch.exec.user "
            "c.develop.watch.exec.working_dir c.develop.watch.ignore c.develop.watch.include "
            "c.develop.watch.initial_sync c.develop.watch.path c.develop.watch.target"
        ),
    ),
    (
        _READ,
        (
            "include include.env_file include.path include.project_directory c.extends c.extends.file "
            "c.extends.service c.env_file c.env_file.format c.env_file.path c.env_file.required c.label_file configs "
            "configs.*.content configs.*.environment secrets"
        ),
    ),
    (
        _NAMES,
        (
            "version configs.*.labels configs.*.name secrets.*.labels secrets.*.name networks.*.labels "
            "volumes.*.labels"
        ),
    ),
    (
        _BUILD,
        (
            "c.build.args c.build.dockerfile c.build.dockerfile_inline c.build.extra_hosts c.build.labels "
            "c.build.no_cache c.build.no_cache_filter c.build.platforms c.build.provenance c.build.pull c.build.sbom "
            "c.build.secrets c.build.secrets.gid c.build.secrets.mode c.build.secrets.source c.build.secrets.target "
            "c.build.secrets.uid c.build.shm_size c.build.target c.build.ulimits c.build.ulimits.*.hard "
            "c.build.ulimits.*.soft"
        ),
    ),
)
RULED: tuple[tuple[str, str], ...] = (
    ("privilege.privileged", "c.privileged c.post_start.privileged c.pre_stop.privileged"),
    ("privilege.root_user", "c.user c.post_start.user c.pre_stop.user"),
    ("privilege.capability privilege.strong_capability", "c.cap_add"),
    ("privilege.docker_socket", "c.use_api_socket"),
    ("privilege.docker_socket privilege.system_bind privilege.system_read", "c.volumes c.volumes.source"),
    ("privilege.docker_socket privilege.system_bind platform.foreign_path", "c.volumes.type"),
    ("privilege.system_bind privilege.strong_device data.volume_driver", "volumes.*.driver volumes.*.driver_opts"),
    ("data.foreign_volume", "volumes.*.external"),
    ("privilege.mount_propagation", "c.volumes.bind.propagation c.volumes.bind.selinux"),
    ("privilege.host_namespace privilege.foreign_container", "c.pid c.ipc c.uts c.userns_mode c.cgroup"),
    ("privilege.foreign_container", "c.volumes_from"),
    ("exposure.host_network exposure.container_network", "c.network_mode networks.*.name"),
    ("exposure.network_driver", "networks.*.driver networks.*.driver_opts networks.*.ipam.driver"),
    ("exposure.network_driver", "networks.*.internal c.networks.*.driver_opts"),
    ("collision.subnet", "networks.*.ipam networks.*.ipam.config.subnet"),
    ("privilege.device privilege.strong_device", "c.devices c.devices.source c.device_cgroup_rules"),
    ("privilege.device", "c.gpus c.deploy.resources.reservations.devices"),
    ("privilege.unconfined", "c.security_opt"),
    ("privilege.host_program", "c.provider c.provider.type"),
    ("privilege.runtime", "c.runtime"),
    ("privilege.cgroup_parent", "c.cgroup_parent"),
    ("privilege.annotation", "c.annotations"),
    ("privilege.resources", "c.oom_kill_disable c.oom_score_adj c.cpu_rt_period c.cpu_rt_runtime"),
    ("privilege.build", "c.build.privileged c.build.entitlements c.build.network c.build.ssh c.build.cache_to"),
    ("image.remote_build", "c.build.context c.build.additional_contexts c.build.cache_from"),
    ("image.extra_tag", "c.build.tags"),
    ("image.unpinned image.other_source data.database_major", "c.image"),
    ("exposure.port_published exposure.bind_address", "c.ports c.ports.host_ip c.ports.published"),
    ("exposure.port_published exposure.port_closed", "c.ports.target c.ports.protocol"),
    ("exposure.traefik_route exposure.controller_label", "c.labels"),
    ("exposure.log_driver", "c.logging c.logging.driver"),
    ("health.removed", "c.healthcheck c.healthcheck.disable c.healthcheck.test"),
    ("collision.container_name", "c.container_name"),
    ("collision.project", "name"),
    ("collision.volume", "volumes.*.name"),
    ("secret.changed", "c.environment secrets.*.environment"),
    ("privilege.system_bind privilege.docker_socket secret.changed", "secrets.*.file"),
    ("privilege.system_bind privilege.docker_socket", "configs.*.file"),
)
UNJUDGED = (
    "c.isolation c.build.isolation c.credential_spec c.credential_spec.config c.credential_spec.file "
    "c.credential_spec.registry c.models c.models.*.endpoint_var c.models.*.model_var models "
    "models.*.context_size models.*.model models.*.name models.*.runtime_flags jobs"
)


class KeyLine(NamedTuple):
    """What is known of one key: the reason why it is harmless, or the rules that judge it; neither: nobody does."""

    harmless: str = ""
    rules: tuple[str, ...] = ()


def _lines() -> dict[str, KeyLine]:
    found = {key: KeyLine(harmless=reason) for reason, keys in HARMLESS for key in keys.split()}
    found |= {key: KeyLine(rules=tuple(rules.split())) for rules, keys in RULED for key in keys.split()}
    found |= {key: KeyLine() for key in UNJUDGED.split()}
    return {f"container.{key[2:]}" if key.startswith("c.") else key: line for key, line in found.items()}


LINES = _lines()
"""Every known key, canonical, with its line."""
