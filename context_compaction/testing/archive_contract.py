"""The contract of an archive as checks: every backend passes all of them, each on fresh instances.

@pytest.mark.parametrize("check", archive_checks(), ids=lambda check: check.__name__)
def test_contract(check, tmp_path):
    check(Backend(lambda: SQLiteArchive(tmp_path / "archive.db")))
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from context_compaction.archive import Archive


@dataclass(frozen=True, slots=True)
class Backend:
    """How a test gets at its archive: ``open`` gives another handle on the same data."""

    open: Callable[[], Archive]
    durable: bool = True
    """Whether a second `open` finds what the first one left; without it checks of that are left out."""

    @contextmanager
    def opened(self) -> Generator[Archive]:
        """An archive that is closed at the end."""
        archive = self.open()
        try:
            yield archive
        finally:
            archive.close()


Check = Callable[[Backend], None]


def archive_checks(*, durable: bool = True) -> list[Check]:
    """All checks, or those that make sense for an archive that is gone when closed."""
    from context_compaction.testing import (
        archive_crossing,
        archive_forget,
        archive_life,
        archive_log,
        archive_looking,
        archive_prune,
        archive_search,
        archive_transfer,
        archive_verify,
        archive_views,
    )

    checks = [
        *archive_log.CHECKS,
        *archive_views.CHECKS,
        *archive_search.CHECKS,
        *archive_looking.CHECKS,
        *archive_crossing.CHECKS,
        *archive_prune.CHECKS,
        *archive_forget.CHECKS,
        *archive_verify.CHECKS,
        *archive_transfer.CHECKS,
        *archive_life.SHARED,
    ]
    return checks + (list(archive_life.DURABLE) if durable else [])


def vector_checks() -> list[Check]:
    """Those of an archive that `keeps_vectors`."""
    from context_compaction.testing import archive_crossing, archive_vectors

    return [*archive_vectors.CHECKS, *archive_crossing.VECTOR_CHECKS]
