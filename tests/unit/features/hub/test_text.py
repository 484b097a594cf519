"""The hub's documents: generated parts between marks, a person's words around them."""

from __future__ import annotations

import pytest

from bot.domain.names import BranchName, CommitSha, NodeName, RepoName, StackName, SubmodulePath
from bot.features.hub.text import (
    DECIDING,
    README,
    DeployedView,
    FleetView,
    HubNodeView,
    HubView,
    PinView,
    render_documents,
    render_matrix,
    render_picture,
    render_title,
)
from bot.fleetfile import Platform, parse_hub
from bot.fleetfile.problems import YamlFileError
from bot.text.markdown import code, text

SERVER = SubmodulePath("server")
STACKS = (StackName("ingress"), StackName("secrets"))
OLD, NEW = CommitSha("a" * 40), CommitSha("b" * 40)


def fleet(name: str, platform: Platform, node: str, stacks: tuple[StackName, ...], **changes: object) -> FleetView:
    pin = PinView(base=BranchName("main"), submodule=SERVER, upstream=RepoName("o/server"), pin=NEW, stacks=STACKS)
    done = DeployedView(submodule=SERVER, pin=OLD, state="success", at="2026-11-24T07:00:00Z")
    own = {"repo": RepoName(name), "pins": (pin,)}
    own["nodes"] = (HubNodeView(name=NodeName(node), platform=platform, stacks=stacks, deployed=(done,)),)
    return FleetView(**(own | changes))  # type: ignore[arg-type]  # a test names what it changes


HUB = HubView(
    hub=RepoName("o/AIOS"),
    web="https://github.com",
    fleets=(
        fleet("o/aios-linux", Platform.LINUX, "PI", STACKS[:1], optional=("docs/**",)),
        fleet("o/aios-win", Platform.WINDOWS, "HP_LAB", STACKS, required=("scripts/**",)),
    ),
)


def test_every_stack_stands_on_every_platform() -> None:
    rows = [line.split(" | ") for line in render_matrix(HUB).splitlines()[2:]]
    assert [(row[0], row[1], row[2][:1]) for row in rows] == [
        ("| <code>ingress</code>", "linux", "✅"),
        ("| <code>ingress</code>", "windows", "✅"),
        ("| <code>secrets</code>", "linux", "—"),
        ("| <code>secrets</code>", "windows", "✅"),
    ]
    assert rows[3][3:] == [
        f"[`bbbbbbb`](https://github.com/o/server/commit/{NEW})",
        f"[`aaaaaaa`](https://github.com/o/server/commit/{OLD})",
        "✅ healthy",
        f"{text('2026-11-24 07:00:00')} |",
    ]


def test_the_picture_leads_from_the_hub_to_the_machines() -> None:
    picture = render_picture(HUB)
    assert picture.startswith("```mermaid\nflowchart TD\n")
    for line in ("r0 --> r1", 'r1 -- "main: bbbbbbb" --> r3', 'r2 -.-> n1(["HP_LAB<br>windows"])'):
        assert f"  {line}" in picture.splitlines()


def test_the_decision_tree_is_made_from_the_fleets_own_files() -> None:
    page = render_documents(HUB, {})[DECIDING]
    assert f"**required** for {code('scripts/**')}" in page
    assert f"optional for {code('docs/**')}" in page
    assert f"| {code('HP_LAB')}, {code('PI')} |" in page


def test_words_around_the_parts_stay_and_a_removed_part_stays_away() -> None:
    first = render_documents(HUB, {})
    assert render_documents(HUB, first) == first
    mine = first[README].replace("## Platforms compared", "## My platforms\r\n\r\nRead *this* first.")
    begin = mine.index("<!-- aios-bot:begin picture -->")
    mine = mine[:begin] + "gone" + mine[mine.index("<!-- aios-bot:end picture -->") :]
    again = render_documents(HubView(hub=HUB.hub, web=HUB.web, fleets=HUB.fleets[:1]), {README: mine})[README]
    assert "## My platforms\r\n\r\nRead *this* first." in again
    assert "mermaid" not in again
    assert "HP_LAB" not in again
    assert "PI" in again


def test_a_hub_without_fleets_says_so() -> None:
    assert "No fleet" in render_documents(HubView(hub=HUB.hub, web=HUB.web, fleets=()), {})[README]


def test_a_wrong_hub_file_is_told_with_line_and_cure() -> None:
    assert parse_hub("fleets: [o/aios-win]\n").fleets == ("o/aios-win",)
    with pytest.raises(YamlFileError, match=r"aios-hub\.yml:2: .* unknown setting `fleet`; did you mean"):
        parse_hub("# mine\nfleet: [o/aios-win]\n")
    with pytest.raises(YamlFileError, match="write something like `tecnocrat/aios-win`"):
        parse_hub("fleets: [aios-win]\n")


def test_a_persons_words_stay_in_both_documents_and_so_do_their_line_ends() -> None:
    marks = "<!-- aios-bot:begin {0} -->\r\n<!-- aios-bot:end {0} -->"
    mine = f"# Mine\r\n\r\n{marks.format('deciding')}\r\nbehind\r\n"
    made = render_documents(HUB, {DECIDING: mine})[DECIDING]
    assert made.startswith("# Mine\r\n\r\n<!-- aios-bot:begin deciding -->\r\n\r\n```mermaid\r\nflowchart TD\r\n")
    assert made.endswith("\r\n\r\n<!-- aios-bot:end deciding -->\r\nbehind\r\n")
    assert "\n" not in made.replace("\r\n", "")
    assert render_documents(HUB, {DECIDING: made})[DECIDING] == made


def test_a_stack_of_two_submodules_has_each_deployment_in_its_row() -> None:
    pins = tuple(
        PinView(
            base=BranchName("main"),
            submodule=SubmodulePath(name),
            upstream=RepoName(f"o/{name}"),
            pin=NEW,
            stacks=STACKS,
        )
        for name in ("server", "tools")
    )
    done = (
        DeployedView(submodule=SERVER, pin=OLD, state="success", at="2026-11-24T07:00:00Z"),
        DeployedView(submodule=SubmodulePath("tools"), pin=None, state="failure", at="2026-11-25T08:00:00Z"),
    )
    node = HubNodeView(name=NodeName("PI"), platform=Platform.LINUX, stacks=STACKS[:1], deployed=done)
    view = HubView(hub=HUB.hub, web=HUB.web, fleets=(FleetView(repo=RepoName("o/f"), pins=pins, nodes=(node,)),))
    row = render_matrix(view).splitlines()[2].split(" | ")
    link = "[`{0}`](https://github.com/o/{1}/commit/{2})"
    assert row[3] == f"{link.format('bbbbbbb', 'server', NEW)}<br>{link.format('bbbbbbb', 'tools', NEW)}"
    assert row[4:6] == [f"{link.format('aaaaaaa', 'server', OLD)}<br>?", "✅ healthy<br>❌ failed"]
    assert row[6] == f"{text('2026-11-24 07:00:00')}<br>{text('2026-11-25 08:00:00')} |"


def test_the_title_counts_fleets_and_machines() -> None:
    machines = sum(len(fleet.nodes) for fleet in HUB.fleets)
    assert machines > 1
    assert render_title(HUB) == f"Fleet documents: {len(HUB.fleets)} fleets, {machines} machines"
