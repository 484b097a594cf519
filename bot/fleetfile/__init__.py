"""Text of `.github/aios-bot.yml` in, a Fleet out; every problem has its line and a cure. Pure.

| file | holds |
| --- | --- |
| `fleet.py` | the values that the program uses, with their defaults |
| `models.py` | what people may write, as pydantic models; how to add a field |
| `kinds.py`, `shapes.py` | the kinds of values that fields have; what names, paths and branches look like |
| `parse.py`, `checks.py` | the check of a file: every problem at once, also those between fields |
| `yaml_lines.py` | strict YAML with line numbers |
| `problems.py` | what is wrong in a file, by lines |
| `reference.py` | the models as JSON Schema, for editors, messages and the reference page |
| `edit.py` | changes of one entry that keep every other byte |

`docs/examples/aios-bot.yml` is a commented example.
"""

from __future__ import annotations

from bot.domain.platforms import Platform
from bot.fleetfile.fleet import (
    VERSION,
    Command,
    Commands,
    Deploy,
    DriftRules,
    Fleet,
    Hooks,
    Hub,
    Locks,
    Node,
    NoticeRules,
    PageAudience,
    Principals,
    ReviewRules,
    ShowUpstream,
    Submodule,
    Wave,
    waves_of,
)

__all__ = [
    "FLEET_FILE",
    "HUB_FILE",
    "VERSION",
    "Command",
    "Commands",
    "Deploy",
    "DriftRules",
    "Fleet",
    "Hooks",
    "Hub",
    "Locks",
    "Node",
    "NoticeRules",
    "PageAudience",
    "Platform",
    "Principals",
    "ReviewRules",
    "ShowUpstream",
    "Submodule",
    "Wave",
    "parse_fleet",
    "parse_hub",
    "waves_of",
]

FLEET_FILE = ".github/aios-bot.yml"
HUB_FILE = ".github/aios-hub.yml"


def parse_fleet(text: str, *, path: str = FLEET_FILE) -> Fleet:
    """The Fleet that `text` describes, or YamlFileError with every problem found. An empty text is all defaults."""
    from bot.fleetfile import parse  # noqa: PLC0415 - pydantic: a node that deploys needs the values alone

    return parse.parse_fleet(text, path=path)


def parse_hub(text: str) -> Hub:
    """The Hub that `text` describes, or YamlFileError with every problem found."""
    from bot.fleetfile import parse  # noqa: PLC0415 - as above

    return parse.parse_hub(text, path=HUB_FILE)
