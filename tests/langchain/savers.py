"""LangGraph's own checkpointers, opened and closed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from tests.postgres import connected

if TYPE_CHECKING:
    import pytest

KINDS = ("memory", "sqlite", "postgres")


@dataclass(frozen=True, slots=True)
class Savers:
    """Where checkpointers keep what they are given."""

    folder: Path
    request: pytest.FixtureRequest

    def within(self, name: str) -> Savers:
        """The same with a folder of their own."""
        (self.folder / name).mkdir()
        return Savers(self.folder / name, self.request)

    @contextmanager
    def open(self, kind: str) -> Iterator[Any]:
        if kind == "memory":
            yield InMemorySaver()
        elif kind == "sqlite":
            with SqliteSaver.from_conn_string(str(self.folder / "checkpoints.db")) as opened:
                yield opened
        else:
            from langgraph.checkpoint.postgres import PostgresSaver

            with self._schema() as address, PostgresSaver.from_conn_string(address) as opened:
                opened.setup()
                yield opened

    @asynccontextmanager
    async def aopen(self, kind: str) -> AsyncIterator[Any]:
        if kind == "memory":
            yield InMemorySaver()
        elif kind == "sqlite":
            async with AsyncSqliteSaver.from_conn_string(str(self.folder / "checkpoints.db")) as opened:
                yield opened
        else:
            from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

            with self._schema() as address:
                async with AsyncPostgresSaver.from_conn_string(address) as opened:
                    await opened.setup()
                    yield opened

    @contextmanager
    def _schema(self) -> Iterator[str]:
        """A schema of its own on the session's server, which is started by the first that asks for it."""
        server, schema = self.request.getfixturevalue("postgres_server"), f"saver_{uuid4().hex}"
        with connected(server) as connection:
            connection.execute(f"CREATE SCHEMA {schema}")
        yield f"{server}{'&' if '?' in server else '?'}options=-csearch_path%3D{schema}"
        with connected(server) as connection:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")
