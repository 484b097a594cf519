"""The alert rules and the dashboard that are shipped, judged by Prometheus' own tool."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import yaml

from bot.engine.programs import find_compose
from bot.service.database import open_store
from bot.service.metrics import REGISTRY, declare_job_kinds, render_metrics
from bot.settings.environment import child_environment
from tests.integration.prometheus.programs import EXAMPLES, ROOT, promtool
from tools.docs.observability import ALERTS, find_queries

RULES, DASHBOARD = EXAMPLES / "aios-bot-rules.yml", EXAMPLES / "aios-bot-dashboard.json"
STACK = ROOT / "sandbox/aios/server/stacks/observability"


def test_promtool_takes_the_rules_and_the_page_of_metrics(tmp_path: Path) -> None:
    assert f"SUCCESS: {len(ALERTS)} rules found" in promtool("check", "rules", RULES)
    store = open_store(f"sqlite:///{tmp_path / 'db.sqlite3'}")
    declare_job_kinds()
    assert promtool("check", "metrics", text=render_metrics(store)) == ""
    store.close()


def test_each_alert_fires_when_it_should_and_not_before(tmp_path: Path) -> None:
    shutil.copy(RULES, tmp_path)
    shutil.copy(Path(__file__).parent / "rules.test.yml", tmp_path)
    assert "SUCCESS" in promtool("test", "rules", tmp_path / "rules.test.yml")


def test_the_dashboard_shows_every_metric_once_and_its_queries_are_valid() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    described = [panel.get("description") for panel in dashboard["panels"] if panel["type"] == "timeseries"]
    assert described == [f"`{metric.name}`" for metric in REGISTRY.metrics]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    names = {metric.name for metric in REGISTRY.metrics}
    for query in find_queries(dashboard):
        assert "$" not in query
        found = re.findall(r"aios_bot_\w+", query)
        assert all(name.removesuffix("_bucket") in names for name in found), query


def test_the_example_fits_the_stack_of_the_mission(tmp_path: Path) -> None:
    """As docs/howto/observability.md says: copied beside the stack's own files, compose mounts what is there."""
    stack = tmp_path / "observability"
    shutil.copytree(STACK, stack)
    shutil.copytree(EXAMPLES, stack, dirs_exist_ok=True)
    shutil.move(stack / "aios-bot-dashboard.json", stack / "grafana")
    shutil.move(stack / "aios-bot-rules.yml", stack / "prometheus")
    (stack / "aios-bot-metrics-token").write_text("token")
    more = yaml.safe_load((stack / "prometheus.yml").read_text())
    file = stack / "prometheus/prometheus.yml"
    config = yaml.safe_load(file.read_text())
    config["rule_files"] = more["rule_files"]
    config["scrape_configs"] += more["scrape_configs"]
    config["scrape_configs"][-1]["authorization"]["credentials_file"] = str(stack / "aios-bot-metrics-token")
    file.write_text(yaml.safe_dump(config))
    assert f"{len(ALERTS)} rules found" in promtool("check", "config", file)
    done = subprocess.run(
        [str(find_compose().path), "config", "--format", "json"],
        cwd=stack,
        env=child_environment(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    services = json.loads(done.stdout)["services"]
    mounted = [
        m["source"] for name in ("prometheus", "grafana") for m in services[name]["volumes"] if m["type"] == "bind"
    ]
    assert len(mounted) == 5
    assert all(Path(source).exists() for source in mounted), mounted
