"""What GitHub takes of a text at most."""

from __future__ import annotations

from sandbox.world import FLEET, NODE, SERVER
from tests.github.stepping import INGRESS, Stepper
from tests.github.test_refused_reports import ask


def test_a_nodes_report_is_measured_in_bytes(steps: Stepper) -> None:
    """The same of what a node posts: an answer in another alphabet, cut off, would be no answer to the bot."""
    question = ask(steps)
    steps.answer(question, [f"{number} {'ж' * 60}" for number in range(600)])
    steps.settle()
    titles = [one["title"] for one in steps.outside.get(f"/repos/{FLEET}/issues") if "pull_request" not in one]
    assert [title.partition(":")[0] for title in titles] == [f"{NODE} has drifted"], titles
    assert steps.failed == []


def test_a_check_is_measured_in_bytes(steps: Stepper) -> None:
    """422 "summary exceeds a maximum bytesize of 65535" (github/docs#35252), where the documentation says characters:
    the plan of a large change in another alphabet is shown all the same, and says what is left out."""
    text = (steps.world.checkouts / "server" / INGRESS).read_text()
    words = "".join(f'      - "note.{number}={"ж" * 60}"\n' for number in range(600))
    at = text.index("    networks:")
    steps.world.push(SERVER, {INGRESS: f"{text[:at]}    labels:\n{words}{text[at:]}"}, "Notes")
    steps.settle()
    (pull,) = steps.outside.pulls(FLEET)
    output = steps.check_on(FLEET, pull["head"]["sha"], "aios/plan")["output"]
    assert len(output["text"].encode()) <= 65_535
    assert "Left out for length" in output["text"]
    assert steps.failed == []
