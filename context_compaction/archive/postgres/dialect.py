"""The words that PostgreSQL has for what shared SQL says in SQLite's."""

from __future__ import annotations

import re
from functools import cache
from re import Match

_LISTED = re.compile(r"([\w.]+) (NOT )?IN \(SELECT value FROM json_each\((\?\d?)\)\)")
_ROWS = re.compile(r"FROM\s+json_each\((\?\d?)\) AS (\w+)")
_GREATER = re.compile(r"\b(max|min)\((\w+), (\?)\)")
_BYTES = re.compile(r"CAST\((\w+) AS BLOB\)")
_NUMBERED = re.compile(r"\?(\d)")
_KEYED = re.compile(r"\s*INSERT INTO (?:branches|sessions|summaries)\b")
_INSERT = re.compile(r"\s*INSERT INTO (\w+ \([\w\s,]+\))\s*VALUES \([?, ]+\)\s*")
_OF_BYTES = frozenset({"data", "digest", "hash", "tip"})
"""Columns that hold bytes; all others that are read as such hold text."""

_INDEXED_BY_BEGINNING = frozenset({"message_id"})
"""Names that may be longer than an index entry; what is listed otherwise is keys."""


Asked = tuple[str, tuple[int, ...]]
"""A shared statement, and the numbers that it asks with."""


def inlined(sql: str, values: tuple[int, ...]) -> str:
    """A shared statement with numbers in the places of its parameters, to be sent among others."""
    parts = sql.split("?")
    numbers = [str(int(value)) for value in values]
    return "".join(part + number for part, number in zip(parts, [*numbers, ""], strict=True))


@cache
def copied(sql: str) -> bytes:
    """The COPY that takes the rows of a plain INSERT; empty for any other statement."""
    plain = _INSERT.fullmatch(sql)
    return f"COPY {plain[1]} FROM STDIN".encode("ascii") if plain else b""


@cache
def translated(sql: str) -> tuple[bytes, bool]:
    """A shared statement as psycopg takes it, and whether its parameters have names: ``p1``, ``p2``.

    An INSERT whose key is asked for gives it back.
    """
    text = _LISTED.sub(_listed, sql.replace("%", "%%"))
    text = _ROWS.sub(r"FROM (SELECT value::bigint FROM jsonb_array_elements_text(\1::jsonb)) AS \2", text)
    text = _GREATER.sub(_greater, text)
    text = _BYTES.sub(_bytes, text)
    text, named = _NUMBERED.subn(r"%(p\1)s", text)
    text = text.replace("?", "%s")
    if _KEYED.match(text):
        text += " RETURNING id"
    return text.encode("ascii"), bool(named)


def _listed(match: Match[str]) -> str:
    column, negated, listed = match.groups()
    values = f"jsonb_array_elements_text({listed}::jsonb)"
    if column in _INDEXED_BY_BEGINNING:
        beginnings = f"SELECT left(value, 500), value FROM {values} AS value"  # noqa: S608 - a placeholder
        return f"(left({column}, 500), {column}) IN ({beginnings})"
    values = f"ARRAY(SELECT {values})::bigint[]"
    return f"{column} <> ALL ({values})" if negated else f"{column} = ANY ({values})"


def _greater(match: Match[str]) -> str:
    name = "greatest" if match[1] == "max" else "least"
    return f"{name}({match[2]}, {match[3]})"


def _bytes(match: Match[str]) -> str:
    return match[1] if match[1] in _OF_BYTES else f"convert_to({match[1]}, 'UTF8')"
