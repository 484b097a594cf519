"""Tables and progress on a terminal, by Rich; plain lines where there is none, and on a node, which has no Rich.

What is printed may be a stranger's: control characters are spelled out first, and Rich is given no markup to read.
`NO_COLOR` is kept by Rich itself.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from bot.text.terminal import printable

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE = 2.0  # seconds after which a person is told what is being waited for
_GAP = "  "


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print `rows`: on a terminal as a table with `columns` above, elsewhere one line each, for other programs."""
    cells = [[printable(cell) for cell in row] for row in rows]
    if not (_has_rich() and sys.stdout.isatty()):
        for row in cells:
            click.echo(_GAP.join(row).rstrip())
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def show_lines(lines: Iterable[tuple[str, str]]) -> None:
    """Print lines of (text, style): coloured on a terminal, unless NO_COLOR is set; elsewhere as they are."""
    rows = [(printable(text), style) for text, style in lines]
    if not (_has_rich() and sys.stdout.isatty()):
        click.echo("\n".join(text for text, _ in rows).rstrip())
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for text, style in rows:
        console.print(Text(text, style=style), soft_wrap=True)


def show_verdicts(lines: Iterable[tuple[str, str, str]]) -> None:
    """Print (verdict, its style, text), a line each; on a terminal a long text is wrapped in a column of its own."""
    rows = [(verdict, style, printable(text)) for verdict, style, text in lines]
    if not (_has_rich() and sys.stdout.isatty()):
        for verdict, _, text in rows:
            click.echo(f"{verdict:4} {text}")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1))
    for _ in range(2):
        table.add_column(overflow="fold")
    for verdict, style, text in rows:
        table.add_row(Text(verdict, style=style), Text(text))
    Console(highlight=False).print(table)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Say on standard error what is being done, if it takes more than two seconds, with the time that passes.

    Nothing is said where standard error is no terminal.
    """
    with _progress(what, by_itself=True):
        yield


@contextmanager
def ticking(what: str) -> Iterator[Callable[[], object] | None]:
    """The same without a thread: the words change when what it gives is called; None where nothing is shown."""
    with _progress(what, by_itself=False) as progress:
        yield progress.refresh if progress is not None else None


@contextmanager
def _progress(what: str, *, by_itself: bool) -> Iterator[Progress | None]:
    if not (_has_rich() and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console, RenderableType
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.text import Text

    class Late(Progress):
        """Shows nothing at first: what is over at once needs no word."""

        begun = time.monotonic()

        def get_renderables(self) -> Iterator[RenderableType]:
            yield from super().get_renderables() if time.monotonic() - self.begun >= PATIENCE else (Text(),)

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Late(*columns, console=Console(stderr=True), transient=True, auto_refresh=by_itself) as progress:
        progress.add_task(printable(what), total=None)
        yield progress


def _has_rich() -> bool:
    return find_spec("rich") is not None
