"""What GitHub takes of a text at most."""

from __future__ import annotations

from sandbox.world import FLEET, SERVER
from tests.github.stepping import INGRESS, Stepper


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
