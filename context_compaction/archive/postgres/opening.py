"""Opening a schema: its address, a connection set up for it, and its migration."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from context_compaction.archive.postgres.database import adapt
from context_compaction.archive.postgres.faults import translated
from context_compaction.archive.postgres.migrations import migrate
from context_compaction.archive.sql.faults import BUSY_SECONDS
from context_compaction.errors import ArchiveUnavailable

SCHEMA, POOL_SIZE = "context_compaction", 10
OWN = ("schema", "pool_size")
"""Parameters of an address that are ours and not libpq's."""
LONGEST_NAME = 63
LOCKS = 0x43434D50
"""``CCMP``: the class of our advisory locks, and the next one. The second number is the schema's."""
# A client that hangs, or whose machine is gone, keeps its locks no longer than others wait for them.
STILL_SECONDS, LONG_STILL_SECONDS = BUSY_SECONDS - 1, 60.0
"""How long a transaction may stand still: an ordinary one, and one of the whole archive."""
SETTINGS = (
    "SET search_path = {schema}, pg_temp",
    "SET client_encoding = 'UTF8'",
    f"SET lock_timeout = '{BUSY_SECONDS:g}s'",
    f"SET idle_in_transaction_session_timeout = '{LONG_STILL_SECONDS:g}s'",
    "SET client_connection_check_interval = '5s'",
    "SET client_min_messages = 'warning'",
    "SET jit = off",  # it costs more than our statements take
    "SET enable_seqscan = off",  # every statement has an index, and statistics lag behind tables that grow
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where an archive is."""

    conninfo: str
    """As libpq takes it."""
    schema: str
    pool_size: int
    place: str
    """For error messages: without user and password."""

    @property
    def lock(self) -> str:
        """The numbers of the archive's advisory lock."""
        return f"{LOCKS}, {_number(self.schema, 4)}"

    @property
    def turn(self) -> str:
        """The numbers of the lock by which imports and those who want the archive alone take turns."""
        return f"{LOCKS + 1}, {_number(self.schema, 4)}"

    def lock_of(self, namespace: str, session_id: str) -> int:
        """The number of a session's own advisory lock, before it has a row."""
        return _number(f"{self.schema}\0{namespace}\0{session_id}", 8)


def parsed(address: str, schema: str | None = None, pool_size: int | None = None) -> Address:
    """An address taken apart; ``schema`` and ``pool_size`` go before what it says itself.

    Raises `ArchiveUnavailable` for one that cannot be.
    """
    try:
        base, _, asked = address.partition("?")
        query = parse_qsl(asked, keep_blank_values=True, strict_parsing=bool(asked))
        own = dict(pair for pair in query if pair[0] in OWN)
        rest = urlencode([pair for pair in query if pair[0] not in OWN], quote_via=quote)
        conninfo = f"{base}?{rest}" if rest else base
        found = conninfo_to_dict(conninfo)
        size = int(own.get("pool_size", POOL_SIZE)) if pool_size is None else pool_size
    except (ValueError, psycopg.ProgrammingError) as error:
        raise ArchiveUnavailable(
            "this is no address of an archive; one looks like "
            "postgresql://user:password@host:5432/database?schema=name&pool_size=10"
        ) from error
    name = own.get("schema", SCHEMA) if schema is None else schema
    if not name or len(name.encode("utf-8", "replace")) > LONGEST_NAME or "\0" in name or size < 1:
        raise ArchiveUnavailable(
            f"a schema's name has 1 to {LONGEST_NAME} bytes, and a pool 1 connection at least"
        )
    host = f"{found.get('host') or 'localhost'}:{found.get('port') or 5432}"
    place = f"postgresql://{host}/{found.get('dbname') or ''}?schema={quote(name)}"
    return Address(conninfo, name, size, place)


def connect(address: Address) -> psycopg.Connection:
    """A connection, set up. Raises `ArchiveUnavailable`."""
    try:
        connection = psycopg.connect(address.conninfo, autocommit=True, connect_timeout=int(BUSY_SECONDS))
        try:
            configure(connection, address)
        except BaseException:
            connection.close()
            raise
    except psycopg.Error as error:
        raise translated(error, address.place) from error
    return connection


def configure(connection: psycopg.Connection, address: Address) -> None:
    """Set a new connection up: in one round trip."""
    adapt(connection)
    schema = sql.Identifier(address.schema).as_string(connection)
    connection.execute("; ".join(SETTINGS).format(schema=schema).encode())


def set_up(address: Address) -> str:
    """Migrate to the newest schema; the archive's own name for itself.

    Raises `ArchiveUnavailable`, `ArchiveCorrupt` (not ours: left as it is) or `ArchiveTooNew`.
    """
    lock = f"SELECT pg_advisory_xact_lock({address.lock})"
    with connect(address) as connection:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise ArchiveUnavailable(
                f"{address.place}: the database's encoding is {encoding}; make one in UTF8"
            )
        try:
            return migrate(connection, address.schema, address.place, lock)
        except psycopg.Error as error:
            raise translated(error, address.place) from error


def _number(text: str, size: int) -> int:
    """A signed number of so many bytes that stands for a text."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:size], "big", signed=True)
