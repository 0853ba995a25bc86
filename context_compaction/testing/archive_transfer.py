"""Contract checks of export and import: what one archive says, any other says after it."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from context_compaction.archive import Archive, Branch, Fork, SearchPool, open_archive
from context_compaction.errors import ArchiveCorrupt, SessionExists
from context_compaction.messages import MediaBlock, Message, TextBlock
from context_compaction.recall import recall
from context_compaction.testing.archive_contract import Backend
from context_compaction.testing.archive_rows import (
    PICTURE,
    Writer,
    commit,
    event,
    nasty_messages,
    summary,
)
from context_compaction.view import Pin, View

NASTY = "\ud800 \0 \u00e9 \U0001f600 ' \\x41"
TERMS = ("appl", "pear", "plum", "kind", "thing", "late", "marker")
QUERY = "apple pear plum kind things late marker"
HOUR = 3600


def every_archive_says_the_same(backend: Backend) -> None:
    """From the backend into another one, and back: all that an archive tells, and the file itself."""
    with backend.opened() as archive, folder() as path:
        fill(archive)
        count = archive.export(path / "first")
        assert count == len(archive.sessions())
        with open_archive(":memory:") as other:
            assert other.import_(path / "first") == count
            assert everything(other) == everything(archive)
            other.export(path / "second")
            assert (path / "second").read_bytes() == (path / "first").read_bytes()


def any_archive_can_be_taken_in(backend: Backend) -> None:
    """Beside sessions that are there already, whatever numbers branches have; and writing goes on."""
    with backend.opened() as archive, open_archive(":memory:") as other, folder() as path:
        Writer.of(archive, "here before").say("apple")
        fill(other)
        other.export(path / "file")
        assert archive.import_(path / "file") == len(other.sessions())
        assert archive.sessions() == [("default", "here before"), *other.sessions()]
        assert everything(archive)[1:] == everything(other)
        for one in (archive, other):
            Writer.of(one, "rich").say("plum again", "and apple")
        assert everything(archive)[1:] == everything(other)


def what_is_equal_is_left_alone(backend: Backend) -> None:
    """Sessions that are missing are added, and a fork finds what it shares in the ones that are there."""
    with backend.opened() as archive, open_archive(":memory:") as other, folder() as path:
        fill(other)
        other.export(path / "file")
        archive.import_(path / "file")
        before = everything(archive)
        assert archive.import_(path / "file") == 0
        assert everything(archive) == before
        assert archive.forget("forked", "default", forks="cascade").sessions == 2
        assert archive.import_(path / "file") == 2
        archive.export(path / "again")
        assert sorted(everything(archive), key=_place) == sorted(before, key=_place)


def what_differs_is_refused(backend: Backend) -> None:
    """By its name, and then nothing is added."""
    with backend.opened() as archive, open_archive(":memory:") as other, folder() as path:
        fill(other)
        other.export(path / "file")
        archive.import_(path / "file")
        archive.forget("plain", NASTY)
        Writer.of(archive, "forked").say("one more")
        before = everything(archive)
        with pytest.raises(SessionExists, match="'forked' of namespace 'default'"):
            archive.import_(path / "file")
        assert everything(archive) == before


def what_was_cut_off_is_refused(backend: Backend) -> None:
    """Whole, with the line where it ends."""
    with backend.opened() as archive, open_archive(":memory:") as other, folder() as path:
        Writer.of(other).say("apple", "pear")
        other.export(path / "file")
        lines = (path / "file").read_bytes().splitlines(keepends=True)
        (path / "file").write_bytes(b"".join(lines[:-1]))
        with pytest.raises(ArchiveCorrupt, match=rf"file:{len(lines) - 1}: .*nothing was imported"):
            archive.import_(path / "file")
        assert archive.sessions() == []


CHECKS = (
    every_archive_says_the_same,
    any_archive_can_be_taken_in,
    what_is_equal_is_left_alone,
    what_differs_is_refused,
    what_was_cut_off_is_refused,
)


def fill(archive: Archive) -> None:
    """Sessions of every kind: nasty ones, forks within and across, compactions, pins, tombstones, media."""
    _fill_pruned(archive)
    rich = Writer.of(archive, "rich")
    rich.append(*nasty_messages())
    archive.pin(rich.branch, Pin("m:3", f"kept {NASTY}"))
    archive.pin(rich.branch, Pin("m:1", "first"))
    archive.note(rich.branch, {"a": [1, None, NASTY]}, event("cancelled", at_seq=13))
    pins = (Pin("m:3", NASTY), Pin("m:3", NASTY, heard=True))
    archive.commit(rich.branch, commit(0, summary(1, "apple"), summary(2), pins=pins))
    merged = summary(3, "pear", generation=1, sources=(2, 1), ranges=((1, 1), (3, 4)))
    archive.commit(rich.branch, commit(1, merged))
    rich.append(_at(2 * HOUR, "apple"), _at(2 * HOUR + 9, "pear"), Message("assistant", "plum"))
    view = archive.view(rich.branch, 1)
    inner = archive.fork(rich.branch, Fork(14, view, 2, {"fork": NASTY}))
    again = Writer.of(archive, "rich")
    again.append(_at(2 * HOUR + 20, "pear apple"), _at(9 * HOUR, "apple apple"))
    archive.fork(inner, Fork(15, View(), 0, {}, session_id="forked"))
    forked = Writer.of(archive, "forked")
    forked.append(_at(2 * HOUR + 30, "plum"), Message("user", (MediaBlock("image", data=PICTURE),)))
    archive.commit(forked.branch, commit(0, summary(1, "plum of the fork"), at_seq=17))
    archive.fork(forked.branch, Fork(16, View(), 0, {}, session_id=f"of the fork {NASTY}"))
    archive.fork(rich.branch, Fork(0, View(), 0, {}, activate=False))
    archive.activate(rich.branch)
    Writer.of(archive, "plain", NASTY).say("apple", "pear")
    Writer.of(archive, NASTY, "default").append(*nasty_messages())
    archive.open_session(NASTY, "empty")


def everything(archive: Archive) -> list[dict[str, Any]]:
    """What an archive tells of each session, whatever its numbers for branches are."""
    places = [(archive.open_session(*place), place) for place in archive.sessions()]
    found = [(place, archive.branches(state.branch)) for state, place in places]
    numbers = {branch.id: (place, index) for place, own in found for index, branch in enumerate(own)}
    return [
        {"session": place, "branches": [_of_branch(archive, branch, numbers) for branch in own]}
        for place, own in found
    ]


@contextmanager
def folder() -> Generator[Path]:
    """A folder that is gone at the end."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def _of_branch(archive: Archive, branch: Branch, numbers: dict[int, Any]) -> dict[str, Any]:
    key = branch.id
    ids = [row.message_id for row in archive.outline(key) if row.message_id is not None]
    return {
        "row": replace(branch, id=0, parent=0),
        "parent": numbers.get(branch.parent or 0),
        "state": replace(archive.state(key), branch=0),
        "messages": archive.messages(key),
        "outline": archive.outline(key),
        "ids": archive.find_ids(key, ids),
        "tip": archive.tip(key),
        "totals": archive.totals(key),
        "summaries": archive.summaries(key),
        "views": [archive.view(key, version) for version in range(branch.version + 1)],
        "events": archive.events(key),
        "pool": _of_pool(archive.search(key, TERMS)),
        "sittings": archive.sittings(key, range(1, archive.tip(key).last_seq + 1)),
        "hits": recall(archive, key, QUERY, 50),
    }


def _of_pool(pool: SearchPool) -> dict[str, Any]:
    return {
        "documents": sorted((found._replace(branch=0) for found in pool.documents), key=lambda one: one.ref),
        "total": pool.total,
        "mean_length": pool.mean_length,
        "frequencies": dict(pool.frequencies),
        "sittings": pool.sittings,
    }


def _fill_pruned(archive: Archive) -> None:
    """Only of tombstones and what they surround is it known which sitting a message was of."""
    writer = Writer.of(archive, "pruned", NASTY)
    writer.append(
        *(_at(minutes * 60, text) for minutes, text in enumerate(["apple", "pear"])),
        Message("user", (TextBlock("plum"), MediaBlock("image", data=PICTURE[:4000])), timestamp=50 * 60),
        *(_at(minutes * 60, "apple") for minutes in (100, 150, 500)),
    )
    made = commit(0, summary(1, "of apples", ranges=((1, 6),)), at_seq=5)
    archive.commit(writer.branch, replace(made, view=View(1, 5, made.view.head)))
    for ref in ("m:2", "m:4"):
        archive.pin(writer.branch, Pin(ref, "held"))
    pruned = archive.prune(max_age=0)
    assert pruned.messages, "nothing was pruned: the session is not what its checks are about"
    archive.fork(writer.branch, Fork(5, View(), 1, {}, session_id="of the pruned"))
    Writer.of(archive, "of the pruned", NASTY).append(_at(160 * 60, "pear"))


def _at(seconds: float, text: str) -> Message:
    return Message("user", (TextBlock(text),), timestamp=1_700_000_000 + seconds)


def _place(found: dict[str, Any]) -> tuple[str, str]:
    return found["session"]
