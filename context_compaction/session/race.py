"""How long an operation that lost against other writers of its session is tried again."""

from __future__ import annotations

import random
import time

from context_compaction.planner import Call, Steps

RETRIES = 5
"""How often it is tried at least: with a draft or a large message one try may take up all patience."""
PATIENCE = 5.0
"""Seconds for which it is tried at least."""
JITTER = 0.004
"""Seconds at most between two tries."""


class Race:
    """One operation against the rest of the world. Each loss is another writer's success."""

    def __init__(self) -> None:
        self._losses = 0
        self._end = time.monotonic() + PATIENCE

    def lost(self) -> bool:
        """Count a loss; whether it was the last one to put up with."""
        self._losses += 1
        return self._losses >= RETRIES and time.monotonic() > self._end

    def pause(self) -> Steps[None]:
        """Before the next try. A wait of random length keeps two writers from meeting again and again."""
        if self._losses > 1:
            yield Call(lambda: time.sleep(random.uniform(0, JITTER)), abandon=True)  # noqa: S311
