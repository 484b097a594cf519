"""Text of `.github/aios-bot.yml` in, a Fleet out; every problem names its line and a cure. Pure.

The reference of the format, `docs/reference/fleet-file.md`, and its JSON Schema, `docs/fleet-file.schema.json`,
are made from the declarations in this package; `docs/examples/aios-bot.yml` is a commented example.

To add a field, in three lines:

1. the attribute with its default, in the value of its section: `soak: int = 0  # seconds` in `Deploy`;
2. the declaration under the same name, in the section's fields: `Number("soak", "seconds to wait", 0, 3600, 60)`;
3. `make docs`, which writes the reference and the schema anew; a test holds the three to each other.

A new section is a module of its own with its value and its `Part` or `Each` (see `deploy.py`, `nodes.py`), an
attribute of `Fleet` and a line in `FLEET` (`whole.py`). What depends on several fields is a check of their section.
A field's example must be usable: the tests put each into a file, and hold the schema to the reading.
"""

from __future__ import annotations

from bot.fleetfile.deploy import Deploy
from bot.fleetfile.nodes import Node, Platform
from bot.fleetfile.submodules import Submodule
from bot.fleetfile.whole import FLEET, VERSION, Fleet
from bot.fleetfile.yaml_lines import Reader, YamlFileError, load_mapping

__all__ = ["FLEET", "FLEET_FILE", "VERSION", "Deploy", "Fleet", "Node", "Platform", "Submodule", "parse_fleet"]

FLEET_FILE = ".github/aios-bot.yml"


def parse_fleet(text: str, *, path: str = FLEET_FILE) -> Fleet:
    """The Fleet that `text` describes, or YamlFileError with every problem found. An empty text is all defaults."""
    document = load_mapping(text, path=path)
    reader = Reader()
    fleet = FLEET.read(reader, reader.mapping(document, 1, "the fleet file", FLEET.known), "")
    if reader.problems:
        raise YamlFileError(tuple(sorted(set(reader.problems))), path=path)
    return fleet
