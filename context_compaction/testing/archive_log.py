"""Contract checks of the log: what goes in comes out equal, in order, once, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from context_compaction.archive import Archive, Fork
from context_compaction.errors import DuplicateMessage, StaleView
from context_compaction.groups import Call
from context_compaction.messages import Message, TextBlock
from context_compaction.messages.storage import content_digest
from context_compaction.testing.archive_contract import Backend
from context_compaction.testing.archive_rows import Writer, answer, calling, nasty_messages, row
from context_compaction.view import Pin, View


def a_new_session_is_empty(backend: Backend) -> None:
    """And opening it again gives the same branch."""
    with backend.opened() as archive:
        state = archive.open_session("default", "s")
        assert (state.last_seq, state.next_summary, state.view.version, state.view.head) == (0, 1, 0, ())
        assert (state.pins, state.unanswered, state.open_calls, dict(state.state)) == ((), (), (), {})
        assert archive.open_session("default", "s") == state
        assert archive.messages(state.branch) == []


def messages_come_back_equal(backend: Backend) -> None:
    """Every field of every row, for messages that storage gets wrong first."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        batch = writer.append(*nasty_messages())
        stored = archive.messages(writer.branch)
        assert [replace(found, hash="") for found in stored] == list(batch.rows)
        assert [found.message.to_openai() for found in stored] == [m.to_openai() for m in nasty_messages()]


def sizes_are_those_of_the_rows(backend: Backend) -> None:
    """Tokens as counted at append, of what a fork shares too."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.append(*nasty_messages())
        child = archive.fork(writer.branch, Fork(2, View(), 0, {}))
        for branch in (writer.branch, child):
            rows = archive.messages(branch)
            assert archive.sizes(branch) == [(found.tokens, found.pruned) for found in rows]
        assert len(archive.sizes(child)) == 2


def ranges_are_read_once_and_in_order(backend: Backend) -> None:
    """Overlapping, reversed in order, past the end."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.say(*(f"message {number}" for number in range(1, 11)))
        rows = archive.messages(writer.branch, [(8, 99), (2, 3), (3, 4), (9, 9), (0, 1)])
        assert [found.seq for found in rows] == [1, 2, 3, 4, 8, 9, 10]
        assert archive.messages(writer.branch, []) == []


def hashes_chain(backend: Backend) -> None:
    """Equal logs have equal hashes; one other message changes its own and all that follow."""
    with backend.opened() as archive:
        logs = [["a", "b", "c"], ["a", "b", "c"], ["a", "B", "c"]]
        hashes: list[list[str]] = []
        for number, texts in enumerate(logs):
            writer = Writer.of(archive, f"s{number}")
            writer.say(*texts)
            hashes.append([found.hash for found in archive.messages(writer.branch)])
        assert hashes[0] == hashes[1]
        assert hashes[0][0] == hashes[2][0]
        assert not set(hashes[0][1:]) & set(hashes[2][1:])


def ids_are_found(backend: Backend) -> None:
    """With number and message; unknown ones are left out."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.append(*nasty_messages())
        known = {
            message.id: (seq, content_digest(message))
            for seq, message in enumerate(nasty_messages(), 1)
            if message.id
        }
        assert archive.find_ids(writer.branch, [*known, "nobody", ""]) == known
        assert archive.find_ids(writer.branch, []) == {}


def an_id_stands_once(backend: Backend) -> None:
    """A second row of an id is refused, and with it its whole batch."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        named = Message("user", (TextBlock("first"),), id="same")
        writer.append(named)
        other = [Message("user", (TextBlock("new"),)), replace(named, blocks=(TextBlock("second"),))]
        with pytest.raises(DuplicateMessage) as caught:
            writer.append(*other)
        assert (caught.value.message_id, caught.value.index) == ("same", 1)
        _is_untouched(archive, writer.branch, 1)


def pins_come_with_their_messages(backend: Backend) -> None:
    """In the order of the batch, behind those that are there; with a batch that is refused, none comes."""
    with backend.opened() as archive:
        writer, late = Writer.of(archive), Writer.of(archive)
        writer.append(Message("user", (TextBlock("first"),), id="same"))
        archive.pin(writer.branch, Pin("m:1", "first"))
        pins = (Pin("m:3", "three \0\ud800"), Pin("m:2", "two"))
        said = [Message("user", (TextBlock(text),)) for text in ("two", "three \0\ud800")]
        archive.append(writer.branch, replace(writer.batch(said), pins=pins))
        known = (Pin("m:1", "first"), *pins)
        assert archive.open_session("default", "s").pins == known
        again = writer.batch([Message("user", (TextBlock("second"),), id="same")])
        for batch, error in ((late.batch(said), StaleView), (again, DuplicateMessage)):
            with pytest.raises(error):
                archive.append(writer.branch, replace(batch, pins=(Pin("m:4", "never"),)))
        assert archive.open_session("default", "s").pins == known


def a_stale_append_is_refused(backend: Backend) -> None:
    """Nothing of a batch made for another end of the log is stored."""
    with backend.opened() as archive:
        writer, late = Writer.of(archive), Writer.of(archive)
        writer.say("one", "two")
        with pytest.raises(StaleView):
            late.say("meant to be the first")
        _is_untouched(archive, writer.branch, 2)


def an_unknown_branch_is_refused(backend: Backend) -> None:
    """A session that was forgotten meanwhile cannot write, nor read another's log."""
    with backend.opened() as archive:
        for use in (archive.messages, archive.summaries, archive.events):
            with pytest.raises(StaleView):
                use(999)
        with pytest.raises(StaleView):
            Writer(archive, 999).say("hello")


def calls_are_known_again(backend: Backend) -> None:
    """Open, closed and unanswered, answered late, answered in time: as the pairing left them."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.append(calling("a", "b", "c"), answer("b"))
        state = archive.open_session("default", "s")
        assert state.open_calls == (Call(1, 0, "a"), Call(1, 2, "c"))
        assert (state.unanswered, dict(state.synthetics)) == ((), {})
        writer.say("enough")
        writer.append(answer("a"), calling("d"))
        state = archive.open_session("default", "s")
        assert state.open_calls == (Call(5, 0, "d"),)
        assert state.unanswered == (Call(1, 2, "c"),)
        assert dict(state.synthetics) == {1: ("a", "c")}


def superseded_messages_are_known_again(backend: Backend) -> None:
    """By the number of the message that was replaced."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.say("old", "other")
        batch = writer.batch([Message("system", (TextBlock("new"),))])
        archive.append(writer.branch, replace(batch, rows=(replace(batch.rows[0], supersedes=1),)))
        assert archive.open_session("default", "s").superseding == {3: 1}
        assert archive.messages(writer.branch, [(3, 3)])[0].supersedes == 1


def an_empty_batch_changes_nothing(backend: Backend) -> None:
    """Nor is it an error."""
    with backend.opened() as archive:
        writer = Writer.of(archive)
        writer.say("one")
        writer.append()
        _is_untouched(archive, writer.branch, 1)


def sessions_are_apart(backend: Backend) -> None:
    """Equal numbers, ids and session ids in other namespaces are other messages."""
    with backend.opened() as archive:
        places = [("n", "s"), ("n", "t"), ("m", "s"), ("N", "s"), ("n\0", "s"), ("n", "s\ud800")]
        for namespace, session in places:
            Writer.of(archive, session, namespace).append(
                Message("user", (TextBlock(f"of {namespace} {session}"),), id="same")
            )
        branches = [archive.open_session(namespace, session).branch for namespace, session in places]
        assert len(set(branches)) == len(places)
        for (namespace, session), branch in zip(places, branches, strict=True):
            [found] = archive.messages(branch)
            assert found.message.text == f"of {namespace} {session}"
            assert archive.find_ids(branch, ["same"])["same"] == (1, content_digest(found.message))


CHECKS = (
    a_new_session_is_empty,
    messages_come_back_equal,
    sizes_are_those_of_the_rows,
    ranges_are_read_once_and_in_order,
    hashes_chain,
    ids_are_found,
    an_id_stands_once,
    pins_come_with_their_messages,
    a_stale_append_is_refused,
    an_unknown_branch_is_refused,
    calls_are_known_again,
    superseded_messages_are_known_again,
    an_empty_batch_changes_nothing,
    sessions_are_apart,
)


def _is_untouched(archive: Archive, branch: int, messages: int) -> None:
    """The log ends where it did, its index too, and the next append fits behind it."""
    assert [found.seq for found in archive.messages(branch)] == list(range(1, messages + 1))
    assert archive.search(branch, ["first"]).total == messages
    archive.append(branch, Writer(archive, branch, messages).batch([row(0, calling("z")).message]))
