"""Contract checks of views, summaries with lineage, pins, notes and events."""

from __future__ import annotations

from dataclasses import replace

import pytest

from context_compaction.errors import StaleView
from context_compaction.testing.archive_contract import Backend
from context_compaction.testing.archive_rows import Writer, commit, event, summary
from context_compaction.view import Pin, View

_TEXTS = ("one", "two", "three", "four", "five", "six")
_PINS = (Pin("m:3", "word for word \ud800\0"), Pin("m:1", "first"), Pin("m:3", "another of it"))
_HEARD = Pin("m:3", "another of it", heard=True)


def a_commit_comes_back_equal(backend: Backend) -> None:
    """View, summaries, notes and event, in the state and by themselves."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.say(*_TEXTS)
        made = commit(0, summary(1), summary(2, ranges=((1, 1), (3, 5))), pins=(*_PINS, _HEARD))
        archive.commit(writer.branch, made)
        state = archive.open_session("default", "s")
        assert (state.view, state.next_summary) == (made.view, 3)
        assert dict(state.summaries) == {found.id: found for found in made.summaries}
        assert dict(state.state) == dict(made.state)
        assert archive.events(writer.branch) == [made.event]


def only_one_commit_wins(backend: Backend) -> None:
    """The second one on the same version leaves no trace: no view, summary, event, notes, index entry."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.say(*_TEXTS)
        first = commit(0, summary(1, "about apples"))
        archive.commit(writer.branch, first)
        before = archive.open_session("default", "s")
        second = commit(0, summary(2, "about pears"))
        with pytest.raises(StaleView):
            archive.commit(writer.branch, replace(second, state={"other": 1}))
        assert archive.open_session("default", "s") == before
        assert archive.events(writer.branch) == [first.event]
        assert set(archive.summaries(writer.branch)) == {1}
        assert not archive.search(writer.branch, ["pear"]).documents


def every_version_is_kept(backend: Backend) -> None:
    """And the state is the newest one's, with the summaries that it shows."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.say(*_TEXTS)
        merged = summary(3, generation=1, sources=(2, 1), ranges=((1, 1), (3, 4)))
        made = [commit(0, summary(1)), commit(1, summary(2), merged, pins=_PINS)]
        made[1] = replace(made[1], view=replace(made[1].view, head=made[1].view.head[-2:]))
        for one in made:
            archive.commit(writer.branch, one)
        assert archive.view(writer.branch, 0) == View()
        assert [archive.view(writer.branch, version) for version in (1, 2)] == [one.view for one in made]
        state = archive.open_session("default", "s")
        assert dict(state.summaries) == {3: merged}
        assert archive.summaries(writer.branch) == {1: summary(1), 2: summary(2), 3: merged}
        assert archive.summaries(writer.branch, [2, 9]) == {2: summary(2)}


def pins_keep_their_order(backend: Backend) -> None:
    """The same pin twice is one; unpinning takes every pin of a message, and may bring notes with it."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        archive.pin(writer.branch, _PINS[0])
        archive.pin(writer.branch, *_PINS, _PINS[0])
        assert archive.open_session("default", "s").pins == _PINS
        archive.note(writer.branch, {"a": 1})
        archive.unpin(writer.branch, "m:3")
        archive.unpin(writer.branch, "m:9")
        state = archive.open_session("default", "s")
        assert (state.pins, dict(state.state)) == ((_PINS[1],), {"a": 1})
        archive.unpin(writer.branch, "m:9", {"b": 2})
        state = archive.open_session("default", "s")
        assert (state.pins, dict(state.state)) == ((_PINS[1],), {"b": 2})
        assert archive.open_session("default", "other").pins == ()


def notes_replace_each_other(backend: Backend) -> None:
    """With or without a report of an attempt; the version stays."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        reports = [event("nothing_to_do"), event("cancelled", at_seq=2)]
        archive.note(writer.branch, {"a": [1, None]}, reports[0])
        archive.note(writer.branch, {"b": {"c": 0.1}})
        archive.note(writer.branch, {"b": {"d": "\ud800"}}, reports[1])
        state = archive.open_session("default", "s")
        assert (dict(state.state), state.view) == ({"b": {"d": "\ud800"}}, View())
        assert archive.events(writer.branch) == reports


def summaries_are_apart(backend: Backend) -> None:
    """Another session's summaries, events and versions are its own."""
    with backend.opened() as archive:
        one, two = Writer.of(archive, "one"), Writer.of(archive, "two")
        archive.commit(one.branch, commit(0, summary(1, "of one")))
        assert archive.summaries(two.branch) == {}
        assert archive.events(two.branch) == []
        archive.commit(two.branch, commit(0, summary(1, "of two")))
        assert archive.summaries(one.branch)[1].text == "of one"
        assert archive.summaries(two.branch)[1].text == "of two"


CHECKS = (
    a_commit_comes_back_equal,
    only_one_commit_wins,
    every_version_is_kept,
    pins_keep_their_order,
    notes_replace_each_other,
    summaries_are_apart,
)
