"""`.github/aios-hub.yml` of a hub: which fleets it shows, beside those whose own file names it. Pure."""

from __future__ import annotations

from bot.domain.names import RepoName
from bot.domain.values import Value
from bot.fleetfile.fields import Section, Texts
from bot.fleetfile.shapes import REPOSITORY
from bot.fleetfile.yaml_lines import Reader, YamlFileError, load_mapping

HUB_FILE = ".github/aios-hub.yml"


class Hub(Value, frozen=True):
    """What a hub says of itself."""

    fleets: tuple[RepoName, ...] = ()


HUB = Section(Hub, (Texts("fleets", "fleets of the same owner that it shows", REPOSITORY, "tecnocrat/aios-win"),))


def parse_hub(text: str) -> Hub:
    """The Hub that `text` describes, or YamlFileError with every problem found."""
    document = load_mapping(text, path=HUB_FILE)
    reader = Reader()
    hub = HUB.read(reader, reader.mapping(document, 1, "the hub's file", HUB.known), "")
    if reader.problems:
        raise YamlFileError(tuple(sorted(set(reader.problems))), path=HUB_FILE)
    return hub
