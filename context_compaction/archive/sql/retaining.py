"""Running a `Retention` beside ordinary writes."""

from __future__ import annotations

import logging
import time

from context_compaction.archive.retention import Retention
from context_compaction.archive.sql.pruning import Alone, prune_if_due
from context_compaction.errors import ArchiveUnavailable

logger = logging.getLogger(__name__)


class Retaining:
    """Prunes when it is time: the last run of any process is in the file, that of this one known here."""

    def __init__(self, alone: Alone, retention: Retention) -> None:
        """``alone`` begins a transaction that is the only one writing."""
        self._alone = alone
        self._retention = retention
        self._next = 0.0
        """By the monotonic clock: a write before it costs no more than a look at it."""

    def run_if_due(self) -> None:
        """Prune, unless that was done lately. The write that was before is stored, whatever happens here."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._retention.every
        try:
            prune_if_due(self._alone, self._retention)
        except Exception as error:  # noqa: BLE001 - whatever it is, the append or commit before it is stored
            # Other errors may quote what is stored.
            what = str(error) if isinstance(error, ArchiveUnavailable) else type(error).__name__
            logger.warning("old messages were not pruned: %s", what)
