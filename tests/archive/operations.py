"""A small archive with something of everything, and every operation that writes to one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from context_compaction.archive import AppendBatch, Archive, Fork, SQLiteArchive, VectorModel
from context_compaction.messages import MediaBlock, Message, TextBlock
from context_compaction.testing.archive_rows import (
    PICTURE,
    Writer,
    answer,
    calling,
    commit,
    event,
    nasty_messages,
    summary,
)
from context_compaction.view import Gap, Kept, Pin, Summary, View

SECRET = "xyzzyplugh"
"""Said in session ``s`` alone."""
MODEL = VectorModel("a model", 2)
VIEW = View(1, 4, (Summary(1), Gap(4, 4)))
Thunk = Callable[[], object]


def fill(path: Path) -> None:
    """`fill_archive` for a file."""
    with SQLiteArchive(path) as archive:
        fill_archive(archive)


def fill_archive(archive: Archive) -> None:
    """Session ``s``: two branches, a compaction, pins, open calls; ``child`` forked from it; ``t`` beside."""
    writer = Writer.of(archive)
    writer.say("apple", "pear", "plum", "cherry")
    writer.append(Message("user", (TextBlock("look"), MediaBlock("image", data=PICTURE)), id="i1"))
    writer.append(calling("c1", "c2"), answer("c1", SECRET))
    archive.pin(writer.branch, Pin("m:2", "pear"))
    archive.pin(writer.branch, Pin("m:3", "plum"))
    archive.commit(writer.branch, replace(commit(0, summary(1, ranges=((1, 3),))), view=VIEW))
    archive.fork(writer.branch, Fork(6, VIEW, 1, {}, activate=False))
    archive.fork(writer.branch, Fork(5, VIEW, 1, {"n": 1}, session_id="child"))
    Writer.of(archive, "child").say("kiwi")
    Writer.of(archive, "t", "elsewhere").say("fig", "date")
    archive.note(writer.branch, {"n": 2}, event())
    archive.add_vectors(writer.branch, MODEL, {"m:1": (1.0, 2.0), "m:7": (2.0, 1.0), "s:1": (1.0, 1.0)})


def branch_of(archive: Archive) -> int:
    """The branch that session ``s`` goes on with."""
    return archive.open_session("default", "s").branch


def _open_session(archive: Archive) -> Thunk:
    return lambda: archive.open_session("a new namespace", "new")


def _append(archive: Archive) -> Thunk:
    """Media, an id, a late result, a call opened, one closed, one answered, a nasty text, and two pins."""
    writer = Writer.of(archive)
    wanted = [message for message in nasty_messages() if message.id or message.role != "user"]
    batch = writer.batch([answer("c2", "late"), *wanted[1:3], calling("c3"), answer("c3", "x"), wanted[0]])
    pins = (Pin(f"m:{batch.rows[1].seq}", "a \ud800"), Pin(f"m:{batch.rows[2].seq}", "b"))
    return lambda: archive.append(writer.branch, replace(batch, pins=pins))


def _append_and_activate(archive: Archive) -> Thunk:
    branch = archive.branches(branch_of(archive))[1].id
    made = Writer(archive, branch, 6).batch([Message("user", (TextBlock("on the other branch"),))])
    batch = AppendBatch(made.after_seq, made.rows, activate=True)
    return lambda: archive.append(branch, batch)


def _commit(archive: Archive) -> Thunk:
    """Two summaries, one of them over the other and an earlier one."""
    ranges = ((1, 3), (5, 5))
    two = (summary(2, ranges=((5, 5),)), summary(3, generation=1, ranges=ranges, sources=(1, 2)))
    view = View(2, 5, (Summary(3), Kept(4)), (Pin("m:2", "pear"),))
    branch, plan = branch_of(archive), replace(commit(1, *two, at_seq=5), view=view)
    return lambda: archive.commit(branch, plan)


def _note(archive: Archive) -> Thunk:
    branch = branch_of(archive)
    return lambda: archive.note(branch, {"n": 3}, event("nothing_to_do"))


def _pin(archive: Archive) -> Thunk:
    branch = branch_of(archive)
    return lambda: archive.pin(branch, Pin("m:4", "cherry"), Pin("m:1", "apple"))


def _unpin(archive: Archive) -> Thunk:
    branch = branch_of(archive)
    return lambda: archive.unpin(branch, "m:3", {"n": 5})


def _activate(archive: Archive) -> Thunk:
    branch = archive.branches(branch_of(archive))[1].id
    return lambda: archive.activate(branch)


def _fork(archive: Archive) -> Thunk:
    branch = branch_of(archive)
    return lambda: archive.fork(branch, Fork(6, VIEW, 1, {"n": 4}))


def _fork_to_a_session(archive: Archive) -> Thunk:
    branch = branch_of(archive)
    return lambda: archive.fork(branch, Fork(3, View(), 0, {}, session_id="another"))


def _add_vectors(archive: Archive) -> Thunk:
    """Of a model that is there, to messages of two branches and one that has a vector already."""
    branch = branch_of(archive)
    vectors = {"m:1": (2.0, 2.0), "m:2": (0.5, 1.0), "m:5": None, "m:6": (1.0, -1.0)}
    return lambda: archive.add_vectors(branch, MODEL, vectors)


def _prune(archive: Archive) -> Thunk:
    return lambda: archive.prune(max_bytes=0)


def _prune_uncovered(archive: Archive) -> Thunk:
    return lambda: archive.prune(max_age=0, uncovered=True)


def _forget(archive: Archive) -> Thunk:
    return lambda: archive.forget("t", "elsewhere")


def _forget_detaching(archive: Archive) -> Thunk:
    return lambda: archive.forget("s", forks="detach")


def _forget_cascading(archive: Archive) -> Thunk:
    return lambda: archive.forget("s", forks="cascade")


def _import(archive: SQLiteArchive) -> Thunk:
    """From an export that a file beside the archive is of."""
    return lambda: archive.import_(Path(archive.path).with_name("export.jsonl"))


ANYWHERE: dict[str, Callable[[Archive], Thunk]] = {
    "open_session": _open_session,
    "append": _append,
    "append and activate": _append_and_activate,
    "commit": _commit,
    "note": _note,
    "pin": _pin,
    "unpin": _unpin,
    "activate": _activate,
    "fork": _fork,
    "fork to a session": _fork_to_a_session,
    "add vectors": _add_vectors,
    "prune": _prune,
    "prune what is uncovered": _prune_uncovered,
    "forget": _forget,
    "forget, detaching": _forget_detaching,
    "forget, cascading": _forget_cascading,
}
"""Each prepares on an archive as `fill_archive` makes it, and returns what is to be done."""
OPERATIONS: dict[str, Callable[[SQLiteArchive], Thunk]] = {**ANYWHERE, "import_": _import}
"""Those on a file, that of an export among them."""


def export(folder: Path) -> None:
    """``export.jsonl``: another archive of a session with media and a fork, and one forked from it."""
    source = folder / "source.db"
    fill(source)
    with SQLiteArchive(source) as archive:
        archive.forget("t", "elsewhere")
        with archive._connections.writing() as connection:
            connection.execute("UPDATE sessions SET session_id = 'imported ' || session_id")
        archive.export(folder / "export.jsonl")
    source.unlink()
