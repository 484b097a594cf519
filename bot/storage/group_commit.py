"""Several threads' writes in one transaction of SQLite.

A commit waits for the disk and there is one writer at a time, so that each thread committing for itself would
wait for all the others' disk. Here whoever holds the lock writes for everybody that waits, and commits once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import sqlalchemy as sa

_T = TypeVar("_T")
_LARGEST_GROUP = 50


class _Job(Generic[_T]):
    """One thread's write, and what became of it."""

    def __init__(self, write: Callable[[sa.Connection], _T]) -> None:
        self._write = write
        self._results: list[_T] = []
        self.problem: BaseException | None = None
        self.settled = threading.Event()

    def run(self, connection: sa.Connection) -> None:
        self._results = [self._write(connection)]

    def result(self) -> _T:
        if self.problem is not None:
            raise self.problem
        return self._results[0]


class GroupCommit:
    """Runs writes one after the other, each whole or not at all, and returns when they are on the disk."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._writer = threading.Lock()
        self._waiting: list[_Job[object]] = []
        self._waiting_lock = threading.Lock()

    def write(self, write: Callable[[sa.Connection], _T]) -> _T:
        """Run `write` in a transaction. What it raises undoes it and is raised here; others are not touched."""
        mine = _Job(write)
        with self._waiting_lock:
            self._waiting.append(mine)  # type: ignore[arg-type]  # a list of jobs with different results
        while not mine.settled.is_set():
            with self._writer:
                if mine.settled.is_set():
                    break
                with self._waiting_lock:
                    group, self._waiting = self._waiting[:_LARGEST_GROUP], self._waiting[_LARGEST_GROUP:]
                self._run(group)
        return mine.result()

    def _run(self, group: list[_Job[object]]) -> None:
        try:
            with self._engine.connect() as connection:
                # The sqlite3 module would begin only before the first write, and a read before it could be stale.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                for job in group:
                    self._run_one(connection, job)
                connection.commit()
        except BaseException as problem:  # noqa: BLE001 - raised in every thread that it concerns
            for job in group:
                job.problem = job.problem or problem
        finally:
            for job in group:
                job.settled.set()

    def _run_one(self, connection: sa.Connection, job: _Job[object]) -> None:
        connection.exec_driver_sql("SAVEPOINT job")
        try:
            job.run(connection)
        except BaseException as problem:  # noqa: BLE001 - raised in the thread whose job it is
            job.problem = problem
            connection.exec_driver_sql("ROLLBACK TO job")
        connection.exec_driver_sql("RELEASE job")
