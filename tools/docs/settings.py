"""The reference page of the settings, from their models."""

from __future__ import annotations

from bot.settings.service import ServiceVariables

NODE_SETTINGS = {
    "AIOS_BOT_NODE_WATCH": "seconds for which a stack must run well after a deploy, where no healthcheck passes",
    "AIOS_BOT_NODE_LIMIT": "seconds after which a docker command, or a one-shot that others wait for, is given up",
    "AIOS_BOT_NODE_STATE": "the node's own folder: whom it trusts, what it did",
    "AIOS_BOT_ORDER": "the signed order, set by the deploy workflow",
    "AIOS_BOT_GIT_TOKEN": "reads the fleet and its private submodules; left out: the job's own token",
    "GITHUB_TOKEN": "the job's own token: reports how the deployment goes",
}
"""What a node reads beside `GITHUB_API_URL`. The tests compare this with what is read."""

CLIENT_SETTINGS = {
    "AIOS_BOT_URL": ("the service's address; `https://`, unless it is this machine", "http://127.0.0.1:8080"),
    "AIOS_BOT_TOKEN": ("a token of `aios-bot token add`", ""),
    "AIOS_BOT_TOKEN_FILE": ("the file that holds the token, in place of `AIOS_BOT_TOKEN`", ""),
}
"""What `aios-bot status` reads, with what stands for one that is left out."""


def render_settings() -> str:
    """The page of the settings."""
    rows = []
    for field in ServiceVariables.model_fields.values():
        readers = "the service, a node" if field.alias == "GITHUB_API_URL" else "the service"
        rows.append((field.alias, readers, field.description, f"`{field.default}`" if field.default else ""))
    rows += [(name, "a node", about, "") for name, about in NODE_SETTINGS.items()]
    rows += [
        (name, "`aios-bot status`", about, f"`{default}`" if default else "")
        for name, (about, default) in CLIENT_SETTINGS.items()
    ]
    lines = [f"| `{name}` | {readers} | {about} | {default} |" for name, readers, about, default in rows]
    return f"""\
# Settings

All of them are environment variables, read once at start. Every missing or unusable one is reported at once; values
are never shown. This page is made from the code by `make docs`.

| setting | for | what it is | left out |
| --- | --- | --- | --- |
{chr(10).join(lines)}
"""
