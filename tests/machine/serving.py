"""The archive on a PostgreSQL server: each in a schema of its own. Faults are SQLite's, so none happens."""

from __future__ import annotations

from uuid import uuid4

from context_compaction import Archive, open_archive
from tests.machine.keeping import Keeping
from tests.postgres import connected


class Serving(Keeping):
    """A subclass says where the server is."""

    elsewhere = True
    server = ""

    def place(self) -> str:
        return f"{self.server}&schema=machine_{uuid4().hex}"

    def made_at(self, place: str) -> Archive:
        self.stack.callback(self._drop, place)
        return open_archive(place)

    def held(self) -> str:
        """All rows of all tables."""
        with connected(self.server) as connection:
            connection.execute(f"SET search_path = {_schema(self.where)}")
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema")
            rows = [connection.execute(f"SELECT t::text FROM {name} t").fetchall() for (name,) in tables]
        return "\n".join(row for table in rows for (row,) in table)

    def _drop(self, place: str) -> None:
        with connected(self.server) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {_schema(place)} CASCADE")


def _schema(place: str) -> str:
    return place.rpartition("schema=")[2]
