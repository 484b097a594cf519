"""Planned builds beside the engine's own: a short form of `python -m bench builds`."""

from __future__ import annotations

from pathlib import Path

from bench.builds import History, StepFigures, find_faults, print_figures
from bench.builds_history import EDITS, MISSING, edit_step, make_stack
from sandbox.engine import Engine

STEPS = ("unused_stage", "change_file", "step", MISSING)


def test_what_is_planned_to_be_built_comes_out_different(engine: Engine, tmp_path: Path) -> None:
    history = History(tmp_path, engine, seed=21, services=("two", "three", "seven"))
    found = [history.take(step, only) for step, only in enumerate(STEPS, 1)]
    assert find_faults(found) == []
    assert [one.planned for one in found] == [one.changed for one in found] == [one.recreated for one in found]
    assert [one.planned for one in found] == [(), ("seven",), ("two",), ()]
    assert [one.foretold for one in found] == [None, None, None, True]


def test_a_history_follows_from_its_seed() -> None:
    texts = []
    for _ in range(2):
        stack = make_stack()
        edits = [edit_step(stack, 1, step) for step in range(1, 61)]
        texts.append((edits, stack.texts(), stack.executable))
    assert texts[0] == texts[1]
    assert {name for names in texts[0][0] for name in names} == set(EDITS)


def test_faults_are_found() -> None:
    def step(**figures: object) -> StepFigures:
        return StepFigures(1, 1, ("step",), services=2, **figures)  # type: ignore[arg-type]

    assert find_faults([step(planned=("a",), changed=("a",), recreated=("a",))]) == []
    for bad, why in (
        (step(changed=("a",)), "missed: a"),
        (step(planned=("a",), changed=("a",)), "missed: a"),
        (step(recreated=("a",), needless=("a",)), "recreated with its image unchanged: a"),
        (step(foretold=False), "does not say that the build fails"),
        (step(failure="no"), "failed: no"),
        (step(planned=("a",)), "1 of 1 planned builds left the image as it was"),
    ):
        (fault,) = find_faults([bad])
        assert why in fault
    print_figures([step(planned=("a",)), step(foretold=True)])
