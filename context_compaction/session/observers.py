"""Telling observers: as a compaction begins, before it is committed, when they may veto, and after it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from context_compaction.events import CompactionEvent, CompactionObserver

logger = logging.getLogger(__name__)
ObserverLike = CompactionObserver | Callable[[CompactionEvent], Any]
"""An observer, or a function that gets each finished event."""


def starting(observers: Iterable[ObserverLike], event: CompactionEvent) -> None:
    """Tell everybody who wants to know early."""
    for observer in observers:
        if isinstance(observer, CompactionObserver):
            _told(observer.starting_compaction, event)


def vetoed(observers: Iterable[ObserverLike], event: CompactionEvent) -> bool:
    """Whether any observer returns False for the planned compaction. All are asked."""
    answers = [
        _told(observer.before_compaction, event)
        for observer in observers
        if isinstance(observer, CompactionObserver)
    ]
    return any(answer is False for answer in answers)


def after_all(observers: Iterable[ObserverLike], event: CompactionEvent) -> None:
    """Report a finished attempt to everybody."""
    for observer in observers:
        _told(observer.after_compaction if isinstance(observer, CompactionObserver) else observer, event)


def _told(call: Callable[[CompactionEvent], Any], event: CompactionEvent) -> Any:
    """An observer's own failure is logged and is nobody else's."""
    try:
        return call(event)
    except Exception:
        logger.exception("a compaction observer failed")
        return None
