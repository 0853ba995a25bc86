"""How often a call waits for the server, counted between the two: what a network's delay is paid for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from benchmarks._relay import Relay, relayed
from context_compaction import Budget, Message, Session
from context_compaction.archive import Archive
from context_compaction.archive.postgres import PostgresArchive
from context_compaction.errors import ArchiveUnavailable
from context_compaction.messages import MediaBlock
from context_compaction.recall import Embedding, recall
from context_compaction.recall.search import recall_over
from context_compaction.testing.archive_rows import Writer, calling
from tests.postgres import connected

SAID = [f"the {word} of number {number}" for number in range(20) for word in ("crane", "tide", "harbour")]
TIMES = 6
"""So often that statements are prepared, which is a round trip the first time."""

END_THEM = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE state = 'idle in transaction'"


@pytest.fixture
def counted(postgres_server: str, postgres_schema: str) -> Iterator[tuple[Archive, Relay]]:
    with relayed(postgres_server) as (address, relay):
        schema = postgres_schema.rpartition("schema=")[2]
        with PostgresArchive(address, schema=schema, pool_size=1) as archive:
            yield archive, relay


def trips(relay: Relay, call: Callable[[], object]) -> int:
    """Round trips of a call, once it has been made: of many together, as one may be counted with the next."""
    call()
    before = relay.trips
    for _ in range(TIMES):
        call()
    return round((relay.trips - before) / TIMES)


def test_an_append_waits_twice(counted: tuple[Archive, Relay]):
    """For locks and what it goes on from, and for the COMMIT behind all that it writes."""
    archive, relay = counted
    writer = Writer.of(archive)
    numbers = iter(range(1000))
    assert trips(relay, lambda: writer.say("hello")) == 2
    assert trips(relay, lambda: writer.append(calling(f"c{next(numbers)}"))) == 2
    assert trips(relay, lambda: writer.append(Message("user", (MediaBlock("image", data="QUJD"),)))) == 2
    named = lambda: writer.append(Message("user", "hello", id=f"i{next(numbers)}"))  # noqa: E731
    assert trips(relay, named) == 3, "ids are looked up"
    assert archive.verify() == []


def test_a_turn_waits_three_times(counted: tuple[Archive, Relay]):
    archive, relay = counted
    session = Session(archive, "s", budget=Budget(32_768), counter="approximate")
    assert trips(relay, lambda: (session.append([{"role": "user", "content": "hi"}]), session.context())) == 3
    assert trips(relay, session.context) == 1, "it asks whether another writer was here"
    session.close()


def test_a_recall_waits_for_what_it_has_to_know_first(counted: tuple[Archive, Relay]):
    archive, relay = counted
    writer = Writer.of(archive)
    writer.say(*SAID)
    for question in ("crane", "the tide in the harbour", "crane tide harbour number 7"):
        assert trips(relay, lambda question=question: recall(archive, writer.branch, question)) <= 8
        assert trips(relay, lambda question=question: archive.search(writer.branch, question.split())) <= 6
    for number in range(30):
        Writer.of(archive, f"other {number}").say(*SAID[:6])
    assert trips(relay, lambda: recall_over(archive, "default", "crane tide harbour")) <= 20
    assert trips(relay, lambda: archive.open_session("default", "s")) <= 5
    assert trips(relay, lambda: archive.messages(writer.branch, [(1, 2), (5, 9)])) == 3


def test_an_embedder_holds_no_connection(counted: tuple[Archive, Relay]):
    """There is one: whoever needs it while a question is embedded gets it."""
    archive, _ = counted
    writer = Writer.of(archive)
    writer.say(*SAID)
    read: list[int] = []

    def embed(texts: list[str]) -> list[list[float]]:
        read.append(len(archive.messages(writer.branch, [(1, 3)])))
        return [[1.0, 0.0] for _ in texts]

    embedding = Embedding.of(embed)
    assert recall(archive, writer.branch, "crane", embedding=embedding)
    assert recall_over(archive, "default", "tide", embedding=embedding)
    assert (read, embedding.trouble) == ([3, 3], "")


def test_many_rows_wait_no_longer(counted: tuple[Archive, Relay]):
    archive, relay = counted
    writer = Writer.of(archive)
    assert trips(relay, lambda: writer.say(*SAID, *SAID, *SAID)) <= 8
    assert archive.verify() == []


def test_what_is_read_at_once_is_of_one_state(counted: tuple[Archive, Relay], postgres_schema: str):
    archive, relay = counted
    writer = Writer.of(archive)
    writer.say("one")
    with PostgresArchive(postgres_schema) as other:
        before = relay.trips
        with archive.at_once():
            assert len(archive.messages(writer.branch)) == 1
            Writer.of(other).say("two")
            with archive.at_once():
                assert len(archive.messages(writer.branch)) == 1
            assert relay.trips - before == 3, "one BEGIN, one statement each"
            seen: list[int] = []
            thread = threading.Thread(target=lambda: seen.append(len(other.messages(writer.branch))))
            thread.start()
            thread.join()
        assert seen == [2]
        assert len(archive.messages(writer.branch)) == 2


def test_an_error_among_reads_at_once_is_typed_and_ends_with_them(
    counted: tuple[Archive, Relay], postgres_server: str
):
    archive, _ = counted
    writer = Writer.of(archive)
    writer.say("one")

    def lose_it() -> None:
        with archive.at_once():
            archive.messages(writer.branch)
            with connected(postgres_server) as other:
                other.execute(END_THEM)
            archive.messages(writer.branch)

    with pytest.raises(ArchiveUnavailable):
        lose_it()
    assert len(archive.messages(writer.branch)) == 1
