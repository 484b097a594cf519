"""The reference page of the settings, as they are read."""

from __future__ import annotations

import ast
import inspect

from bot.settings import read as settings

SERVICE = "the service"
NODE = "a node"

SETTINGS: dict[str, tuple[str, str]] = {
    "GITHUB_APP_ID": (SERVICE, "the App's number; with the next two left out, `serve` helps to make an App"),
    "GITHUB_APP_PRIVATE_KEY": (SERVICE, "the App's private key: PEM text, or the path of a PEM file"),
    "GITHUB_WEBHOOK_SECRET": (SERVICE, "what GitHub signs its deliveries with, as set in the App"),
    "GITHUB_API_URL": (f"{SERVICE}, {NODE}", "`https://HOST/api/v3` for GitHub Enterprise Server"),
    "AIOS_BOT_DATA": (SERVICE, "folder of mirrors, caches, keys and the SQLite file"),
    "AIOS_BOT_DATABASE_URL": (SERVICE, "`postgresql://USER:PASSWORD@HOST/NAME` in place of SQLite"),
    "AIOS_BOT_PUBLIC_URL": (SERVICE, "where people reach the service; `-`: they do not, and reports link no page"),
    "AIOS_BOT_KEEP_DAYS": (SERVICE, "days that finished deliveries are kept"),
    "AIOS_BOT_MIRRORS_MB": (SERVICE, "megabytes that all git mirrors may take together"),
    "HOST": (SERVICE, "address to listen on"),
    "PORT": (SERVICE, "port to listen on; 0: any free one"),
    "AIOS_BOT_NODE_STATE": (NODE, "the node's own folder: whom it trusts, what it did"),
    "AIOS_BOT_ORDER": (NODE, "the signed order, set by the deploy action"),
    "AIOS_BOT_GIT_TOKEN": (NODE, "reads the fleet and its private submodules; left out: the job's own token"),
    "GITHUB_TOKEN": (NODE, "the job's own token: reports how the deployment goes"),
}
"""Every setting that a person may set: for whom, and what it is. The tests hold this to what is read."""


def read_setting_defaults() -> dict[str, str]:
    """Every setting that `bot.settings.read` reads through its checked reader, with the default that stands there."""
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(inspect.getsource(settings))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "take"):
            continue
        if node.args and isinstance(node.args[0], ast.Constant):
            default = next((word.value for word in node.keywords if word.arg == "default"), None)
            literal = str(default.value) if isinstance(default, ast.Constant) and default.value is not None else ""
            found.setdefault(str(node.args[0].value), literal)
    return found


def render_settings() -> str:
    """The page of the settings."""
    defaults = read_setting_defaults()
    rows = [
        f"| `{name}` | {whose} | {about} | {f'`{defaults[name]}`' if defaults.get(name) else ''} |"
        for name, (whose, about) in SETTINGS.items()
    ]
    return f"""\
# Settings

All of them are environment variables, read once at start. What is missing or unusable is told at once, all of it;
values are never shown. This page is made from the code by `make docs`.

| setting | for | what it is | left out |
| --- | --- | --- | --- |
{chr(10).join(rows)}
"""
