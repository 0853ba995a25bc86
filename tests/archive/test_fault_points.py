"""Every statement of every writing operation fails once: all of it is there afterwards, or nothing."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from context_compaction.archive import SQLiteArchive
from context_compaction.archive.sqlite import erasing
from context_compaction.errors import ArchiveUnavailable
from context_compaction.testing.archive_rows import Writer
from context_compaction.testing.faults import HOWS, Fault, FaultPoints, How
from tests.archive.operations import OPERATIONS, SECRET, Thunk, export, fill
from tests.archive.states import State, chores_of, first_and_last, state_of

CODES = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_NOMEM)
pytestmark = pytest.mark.usefixtures("unsynced")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive, and an export of another one."""
    folder = tmp_path_factory.mktemp("filled")
    fill(folder / "archive.db")
    export(folder)
    return folder


@pytest.fixture(autouse=True)
def every_free_page_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only where it is worth it, so that a prune does all it can do."""
    monkeypatch.setattr(erasing, "FREE_SHARE", 0)
    monkeypatch.setattr(erasing, "FREE_BYTES", 0)


@dataclass
class Bench:
    """Copies of an archive, one operation to be tried on them, and the states before and after it."""

    source: Path
    folder: Path
    name: str
    before: State = field(init=False)
    after: State = field(init=False)
    statements: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.before = state_of(self.copy())
        with FaultPoints() as points, SQLiteArchive(self.path) as archive:
            work = self.operation(archive)
            points.arm()
            work()
            self.statements = points.statements
            self.after = state_of(self.path)
        assert self.after != self.before

    def operation(self, archive: SQLiteArchive) -> Thunk:
        return OPERATIONS[self.name](archive)

    def tells(self, at: int) -> bool:
        """Whether a failure there is an error: not that a prune could not make the file smaller as well."""
        return "prune" not in self.name or at <= self.statements.index("COMMIT") + 1

    @property
    def path(self) -> Path:
        return self.folder / "archive.db"

    def copy(self) -> Path:
        """A fresh copy in place of whatever is there."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.source, self.folder)
        return self.path


@pytest.fixture(params=OPERATIONS)
def bench(request: pytest.FixtureRequest, filled: Path, tmp_path: Path) -> Bench:
    return Bench(filled, tmp_path / "copy", request.param)


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["", "all"])
def test_a_failing_statement_leaves_all_or_nothing(bench: Bench, every: bool):
    """Each statement fails in one way or, if ``every``, in all; a COMMIT in all in any case."""
    for at in range(1, len(bench.statements) + 1) if every else first_and_last(bench.statements):
        several = every or bench.statements[at - 1] == "COMMIT"
        for how in HOWS if several else (HOWS[at % len(HOWS)],):
            leaves_all_or_nothing(bench, Fault(at, how, CODES[at % len(CODES)]))


def leaves_all_or_nothing(bench: Bench, fault: Fault) -> None:
    bench.copy()
    with FaultPoints() as points, SQLiteArchive(bench.path) as archive:
        work = bench.operation(archive)
        points.arm(fault)
        if bench.tells(fault.at):
            with pytest.raises(ArchiveUnavailable, match=f"fault point {fault.at}:"):
                work()
        else:
            work()
        found = state_of(bench.path)
        assert found in (bench.before, bench.after), fault
        with SQLiteArchive(bench.path) as fresh:
            assert fresh.verify() == []
        goes_on(bench, archive, work, found)


def goes_on(bench: Bench, archive: SQLiteArchive, work: Thunk, found: State) -> None:
    """The same handle does the operation now; where it was done already, it does not do it twice."""
    if found == bench.before:
        work()
        assert state_of(bench.path) == bench.after
    Writer.of(archive, "t").say("and on")
    assert archive.verify() == []
    assert chores_of(bench.path) == []


def test_a_process_killed_at_any_statement_leaves_all_or_nothing(bench: Bench, tmp_path: Path):
    """By the files as they stand before each statement: what is written survives its process."""
    images: list[Path] = []

    def take() -> None:
        images.append(tmp_path / f"image {len(images)}" / "archive.db")
        shutil.copytree(bench.folder, images[-1].parent, ignore=shutil.ignore_patterns("*-shm", "*.jsonl"))

    bench.copy()
    with FaultPoints() as points, SQLiteArchive(bench.path) as archive:
        work = bench.operation(archive)
        points.arm(watch=take)
        work()
    take()
    assert len(images) == len(bench.statements) + 1
    for at in first_and_last([*bench.statements, "the end"]):
        image = images[at - 1]
        with SQLiteArchive(image) as fresh:
            assert state_of(image) in (bench.before, bench.after)
            assert chores_of(image) == []
            Writer.of(fresh, "t").say("and on")
            assert fresh.verify() == []
    with SQLiteArchive(images[-1]):
        assert len(state_of(images[-1])["messages"]) == len(bench.after["messages"]) + 1


@pytest.mark.parametrize("operation", ["forget, detaching", "forget, cascading"])
@pytest.mark.parametrize("how", ["after", pytest.param("instead", marks=pytest.mark.slow)])
def test_what_was_forgotten_is_erased_in_the_end(operation: str, how: How, filled: Path, tmp_path: Path):
    """Whatever fails after the rows are gone: the next one to open the file finishes it."""
    bench = Bench(filled, tmp_path / "copy", operation)
    assert not written(bench.path, SECRET)
    assert written(bench.copy(), SECRET)
    begun = 0
    for at in first_and_last(bench.statements):
        bench.copy()
        with FaultPoints() as points, SQLiteArchive(bench.path) as archive:
            work = bench.operation(archive)
            points.arm(Fault(at, how))
            with suppress(ArchiveUnavailable):
                work()
        if state_of(bench.path) == bench.after:
            begun += 1
            SQLiteArchive(bench.path).close()
            assert chores_of(bench.path) == []
            assert not written(bench.path, SECRET)
    assert begun


def written(path: Path, text: str) -> bool:
    """Whether the archive's files, that of the write-ahead log included, hold these bytes."""
    return any(text.encode() in found.read_bytes() for found in path.parent.glob(f"{path.name}*"))


@pytest.mark.parametrize("how", ["instead", *(pytest.param(how, marks=pytest.mark.slow) for how in HOWS[1:])])
def test_making_a_file_can_fail_anywhere(how: How, tmp_path: Path):
    """And the next one to open it makes it whole."""
    with FaultPoints() as points:
        points.arm()
        SQLiteArchive(tmp_path / "counted.db").close()
        expected, statements = state_of(tmp_path / "counted.db"), len(points.statements)
        for at in range(1, statements + 1):
            path = tmp_path / f"{at}.db"
            points.arm(Fault(at, how))
            with pytest.raises(ArchiveUnavailable, match=f"{at}.db: .*fault point {at}:"):
                SQLiteArchive(path)
            with SQLiteArchive(path) as archive:
                assert state_of(path) == expected
                Writer.of(archive).say("hello")
