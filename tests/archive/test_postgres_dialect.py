"""Shared SQL in PostgreSQL's words: every statement there is, and whether it has an index."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

from context_compaction import open_archive
from context_compaction.archive import sql
from context_compaction.archive.postgres import crossing, finding
from context_compaction.archive.postgres.dialect import copied, inlined, translated
from context_compaction.testing.archive_rows import Writer
from tests.postgres import connected

SCANS = {"TOTAL_BYTES", "REMOVE_MEDIA"}
"""Those that are about all there is."""
GROWING = re.compile(r"Seq Scan on (messages|documents|blobs|message_blobs|compactions|views|calls)\b")

LISTED = "ARRAY(SELECT jsonb_array_elements_text({}::jsonb))::bigint[]"


def statements() -> dict[str, str]:
    """By module and name."""
    found: dict[str, str] = {}
    names = [f"{sql.__name__}.{module.name}" for module in pkgutil.iter_modules(sql.__path__)]
    for module in map(importlib.import_module, [*names, finding.__name__, crossing.__name__]):
        constants: dict[str, object] = dict(vars(module))
        for name, value in vars(module).items():
            if name.isupper() and isinstance(value, dict):
                constants |= {f"{name} {kind}": text for kind, text in value.items()}
        for name, text in constants.items():
            if isinstance(text, str) and re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE)\b", text):
                found[f"{module.__name__.rpartition('.')[2]}.{name}"] = text
    return found


def test_every_shared_statement_is_one_of_postgresqls_and_has_an_index(
    postgres_schema: str, postgres_server: str
):
    assert len(statements()) > 60
    open_archive(postgres_schema).close()
    with connected(postgres_server) as connection:
        connection.execute(f"SET search_path = {postgres_schema.rpartition('schema=')[2]}")
        connection.execute("SET enable_seqscan = off")
        for name, text in statements().items():
            plain = re.sub(r"%s|%\(p\d\)s", "NULL", translated(text)[0].decode()).replace("%%", "%")
            plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {plain}".encode()))
            if name.rpartition(".")[2] not in SCANS:
                assert not GROWING.search(plan), f"{name}\n{plan}"


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
@pytest.mark.parametrize("name", ["COUNT_MATCHES", "FIND_MATCHES"])
def test_a_search_reads_by_its_terms_alone(name: str, mode: str, postgres_schema: str, postgres_server: str):
    """Whatever is known of the table, and whether the plan is for these values or for any."""
    with open_archive(postgres_schema) as archive:
        Writer.of(archive).say(*(f"apple {number}" for number in range(300)))
    numbers = iter(range(1, 10))
    text = translated(vars(finding)[name])[0].decode()
    text = re.sub(r"%\(p(\d)\)s", r"$\1", re.sub("%s", lambda _: f"${next(numbers)}", text))
    values = "'~b1', 9, 9, ARRAY['apple']" if name == "COUNT_MATCHES" else "'~b1', 'apple', 0, 9, 9, 9"
    with connected(postgres_server) as connection:
        connection.execute(f"SET search_path = {postgres_schema.rpartition('schema=')[2]}")
        connection.execute(f"SET enable_seqscan = off; SET plan_cache_mode = {mode}")
        for prepared in ("before", "after"):
            connection.execute(f"PREPARE {prepared} AS {text}".encode())
            plan = connection.execute(f"EXPLAIN EXECUTE {prepared} ({values})".encode()).fetchall()
            used = re.findall(
                r"Scan (?:Backward )?(?:using|on) (documents\w+)", "\n".join(row[0] for row in plan)
            )
            assert used == ["documents_by_term"], plan
            connection.execute("ANALYZE documents")


@pytest.mark.parametrize(
    ("shared", "own"),
    [
        (
            "a IN (SELECT value FROM json_each(?))",
            "a = ANY (ARRAY(SELECT jsonb_array_elements_text(%s::jsonb))::bigint[])",
        ),
        (
            "a.b NOT IN (SELECT value FROM json_each(?2))",
            "a.b <> ALL (ARRAY(SELECT jsonb_array_elements_text(%(p2)s::jsonb))::bigint[])",
        ),
        (
            "FROM json_each(?) AS wanted JOIN spans",
            "FROM (SELECT value::bigint FROM jsonb_array_elements_text(%s::jsonb)) AS wanted JOIN spans",
        ),
        ("SET a = max(a, ?), b = min(b, ?)", "SET a = greatest(a, %s), b = least(b, %s)"),
        ("coalesce(max(a), 0)", "coalesce(max(a), 0)"),
        ("CAST(hash AS BLOB), CAST(role AS BLOB)", "hash, convert_to(role, 'UTF8')"),
        ("INSERT INTO sessions (a) VALUES (?)", "INSERT INTO sessions (a) VALUES (%s) RETURNING id"),
        ("INSERT INTO messages (a) VALUES (?)", "INSERT INTO messages (a) VALUES (%s)"),
        ("a LIKE '5%'", "a LIKE '5%%'"),
    ],
)
def test_the_words_that_differ(shared: str, own: str):
    assert translated(shared)[0].decode() == own


def test_many_rows_of_a_plain_insert_are_copied():
    assert copied(" INSERT INTO t (a, b)\nVALUES (?, ?)\n") == b"COPY t (a, b) FROM STDIN"
    for other in ("INSERT INTO t (a) VALUES (?) ON CONFLICT DO NOTHING", "INSERT INTO t (a) SELECT ?"):
        assert copied(other) == b""


def test_numbers_are_put_into_a_statement():
    assert (
        inlined("SELECT a FROM t WHERE b = ? AND c <= ?", (7, -1))
        == "SELECT a FROM t WHERE b = 7 AND c <= -1"
    )
    with pytest.raises(ValueError, match="zip"):
        inlined("SELECT ?", (1, 2))
