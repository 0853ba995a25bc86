"""`Sessions`: sessions of one archive, configured once and opened by id."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from context_compaction.archive import Archive
from context_compaction.budget import Budget
from context_compaction.counting import TokenCounter
from context_compaction.drafting import DrafterChain
from context_compaction.errors import ArchiveError
from context_compaction.messages import Message
from context_compaction.policy import Policy
from context_compaction.session.everywhere import Everywhere
from context_compaction.session.session import Session
from context_compaction.tools import ToolRules

OPEN = 256
"""So many sessions are kept open; the one that was not used for longest is closed."""


@dataclass(slots=True)
class Sessions(Everywhere):
    """Sessions of one archive and configuration, opened once and kept. Safe to use from threads."""

    archive: Archive
    budget: Budget
    namespace: str = "default"
    policy: Policy | None = None
    drafter: Any = None
    """A drafter, a function, or several of them."""
    counter: TokenCounter | None = None
    post_turn: Literal["inline", "background"] = "inline"
    observers: Iterable[Any] = ()
    is_pinned: Callable[[Message], bool] | None = None
    redactor: Callable[[str], str] | None = None
    """Between what was said and the drafter, and over what that writes."""
    embedder: Any = None
    """What recall weighs meaning by; None: words alone."""
    recall_hint: bool = False
    """Whether the model has a recall tool to be told about."""
    tools: ToolRules | None = None
    """What is known of tools; None: common names."""
    _open: OrderedDict[str, Session] = field(default_factory=OrderedDict[str, Session])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """A face reads its framework's kinds of drafter here. Raises `TypeError` for what is none."""
        DrafterChain.of(self.drafter, TokenCounter.of(self.counter))

    def get(self, session_id: str) -> Session:
        """The session of this id, begun if it is new. Raises `ArchiveError`."""
        with self._lock:
            session = self._open.pop(session_id, None) or self._opened(session_id)
            self._open[session_id] = session
            stale = self._open.popitem(last=False)[1] if len(self._open) > OPEN else None
        if stale is not None:
            stale.close()
        return session

    def has(self, session_id: str) -> bool:
        """Whether there is a session of this id. None is begun by asking."""
        with self._lock:
            is_open = session_id in self._open
        return is_open or self.archive.active(self.namespace, session_id) is not None

    def forget(self, session_id: str) -> None:
        """Erase it; sessions forked from it keep what they share."""
        with self._lock:
            session = self._open.pop(session_id, None)
        if session is not None:
            session.close()
        self.archive.forget(session_id, self.namespace, forks="detach")

    def close(self) -> None:
        """Close all sessions; the archive stays open."""
        with self._lock:
            sessions = list(self._open.values())
            self._open.clear()
        for session in sessions:
            session.close()

    def html(self, session_id: str | None = None) -> str | None:
        """For the display of a face: the session of this id, or the one that was used last.

        None, for which notebooks show text, where there is none, or the archive is closed.
        """
        if session_id is None:
            with self._lock:
                session_id = next(reversed(self._open), None)
        try:
            return None if session_id is None else self.get(session_id)._repr_html_()  # pyright: ignore[reportPrivateUsage] - IPython's protocol
        except ArchiveError:
            return None

    def observers_of(self, session_id: str) -> Iterable[Any]:  # noqa: ARG002 - a face tells them apart
        """Who observes this session."""
        return self.observers

    def _opened(self, session_id: str) -> Session:
        return Session(
            self.archive,
            session_id=session_id,
            namespace=self.namespace,
            budget=self.budget,
            policy=self.policy,
            drafter=self.drafter,
            counter=self.counter,
            post_turn=self.post_turn,
            observers=self.observers_of(session_id),
            is_pinned=self.is_pinned,
            redactor=self.redactor,
            embedder=self.embedder,
            recall_hint=self.recall_hint,
            tools=self.tools,
        )
