"""The archive contract, by a schema of a PostgreSQL server."""

import pytest

from context_compaction.archive import open_archive
from context_compaction.testing.archive_contract import Backend, Check, archive_checks, vector_checks


@pytest.mark.parametrize("check", archive_checks() + vector_checks(), ids=lambda check: check.__name__)
def test_postgres(check: Check, postgres_schema: str):
    check(Backend(lambda: open_archive(postgres_schema)))
