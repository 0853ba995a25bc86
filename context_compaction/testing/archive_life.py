"""Contract checks of an archive's life: threads, closing, opening again, a second process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from context_compaction.archive import Archive
from context_compaction.errors import ArchiveUnavailable, StaleView
from context_compaction.recall import recall
from context_compaction.testing.archive_contract import Backend
from context_compaction.testing.archive_rows import Writer, commit, nasty_messages, summary
from context_compaction.view import Pin

THREADS, EACH = 4, 25


def threads_share_one_archive(backend: Backend) -> None:
    """Each its own session, and all of them one: every acknowledged message is there once, in order."""
    with backend.opened() as archive:
        failures = in_threads(lambda number: _write_own_and_shared(archive, number))
        assert failures == []
        shared = archive.messages(archive.open_session("default", "shared").branch)
        assert [found.seq for found in shared] == list(range(1, THREADS * EACH + 1))
        assert {found.message.text for found in shared} == {
            f"{number} {each}" for number in range(THREADS) for each in range(EACH)
        }
        for number in range(THREADS):
            own = archive.messages(archive.open_session("default", f"own {number}").branch)
            assert [found.message.text for found in own] == [f"{number} {each}" for each in range(EACH)]


def a_closed_archive_says_so(backend: Backend) -> None:
    """In every thread; closing twice is nothing."""
    archive = backend.open()
    writer = Writer.of(archive)
    archive.close()
    archive.close()
    assert [type(error) for error in in_threads(lambda _: writer.say("hello"), 1)] == [ArchiveUnavailable]
    with pytest.raises(ArchiveUnavailable):
        archive.messages(writer.branch)


def all_is_there_after_opening_again(backend: Backend) -> None:
    """State, log, versions, events and search are those from before."""
    seen: list[list[object]] = []
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.append(*nasty_messages())
        archive.pin(writer.branch, Pin("m:3", "kept"))
        archive.commit(writer.branch, commit(0, summary(1)))
        seen.append(_all_of(archive))
    with backend.opened() as archive:
        seen.append(_all_of(archive))
        Writer.of(archive).say("and on")
    assert seen[0] == seen[1]


def two_handles_see_each_other(backend: Backend) -> None:
    """What one acknowledged the other one reads, and stale writes are told."""
    with backend.opened() as one, backend.opened() as two:
        first, second = Writer.of(one), Writer.of(two)
        first.say("hello")
        assert [found.message.text for found in two.messages(second.branch)] == ["hello"]
        with pytest.raises(StaleView):
            second.say("too late")
        two.commit(second.branch, commit(0, summary(1), at_seq=1))
        with pytest.raises(StaleView):
            one.commit(first.branch, commit(0, summary(1), at_seq=1))


def a_forked_process_goes_on(backend: Backend) -> None:
    """With connections of its own; parent and child read what the other one wrote."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.say("before")
        assert _in_child(lambda: Writer.of(archive).say("from the child")) == 0
        later = Writer.of(archive)
        later.say("after")
        texts = [found.message.text for found in archive.messages(writer.branch)]
        assert texts == ["before", "from the child", "after"]


SHARED = (threads_share_one_archive, a_closed_archive_says_so)
DURABLE = (all_is_there_after_opening_again, two_handles_see_each_other, a_forked_process_goes_on)


def in_threads(work: Callable[[int], object], threads: int = THREADS) -> list[BaseException]:
    """Run ``work(0)``, ``work(1)``, ... at the same time; what they raised."""
    failures: list[BaseException] = []
    start = threading.Barrier(threads)

    def run(number: int) -> None:
        start.wait()
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - handed to the caller, who asserts on it
            failures.append(error)

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return failures


def _write_own_and_shared(archive: Archive, number: int) -> None:
    own = Writer.of(archive, f"own {number}")
    for each in range(EACH):
        own.say(f"{number} {each}")
        _insist(archive, f"{number} {each}")
        archive.messages(own.branch)


def _insist(archive: Archive, text: str) -> None:
    while True:
        try:
            Writer.of(archive, "shared").say(text)
        except StaleView:
            continue
        return


def _all_of(archive: Archive) -> list[object]:
    state = archive.open_session("default", "s")
    hits = recall(archive, state.branch, "lone things kind marker", 20)
    return [
        state,
        archive.messages(state.branch),
        archive.view(state.branch, 1),
        archive.summaries(state.branch),
        archive.events(state.branch),
        hits,
    ]


def _in_child(work: Callable[[], object]) -> int:
    """Exit status of a forked process: 0 if the work was done."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
