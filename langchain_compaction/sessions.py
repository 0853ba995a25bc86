"""Sessions for LangChain: how they are configured once, opened by id, and named by a run's config."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from context_compaction import Archive, Budget, Message, Policy, Session, TokenCounter, open_archive
from langchain_compaction.drafting import drafter_of
from langchain_compaction.errors import MissingSessionId

ArchiveLike = str | os.PathLike[str] | Archive
OPEN = 256
"""So many sessions are kept open; the one that was not used for longest is closed."""


def session_id_of(config: Mapping[str, Any] | None) -> str:
    """The session that a run's config names: ``session_id``, or LangGraph's ``thread_id``.

    Raises `MissingSessionId`.
    """
    configurable = _configurable(config)
    for key in ("session_id", "thread_id"):
        found = configurable.get(key)
        if found is not None and found != "":
            return str(found)
    raise MissingSessionId


def context_management_of(config: Mapping[str, Any] | None) -> Sequence[Mapping[str, Any]] | None:
    """The edits that a run asks for, as providers take them; None if it asks for none."""
    found: Any = _configurable(config).get("context_management")
    return cast("Sequence[Mapping[str, Any]] | None", found)


@dataclass(slots=True)
class Sessions:
    """Sessions of one archive and configuration, opened once and kept. Safe to use from threads."""

    archive: Archive
    budget: Budget
    namespace: str = "default"
    policy: Policy | None = None
    drafter: Any = None
    """A drafter, a function, a LangChain model, or several of them."""
    counter: TokenCounter | None = None
    post_turn: Literal["inline", "background"] = "inline"
    observers: Iterable[Any] = ()
    is_pinned: Callable[[Message], bool] | None = None
    redactor: Callable[[str], str] | None = None
    """Between what was said and the drafter, and over what that writes."""
    embedder: Any = None
    """What recall weighs meaning by, LangChain ``Embeddings``, say; None: words alone."""
    recall_hint: bool = False
    """Whether the model has a recall tool to be told about."""
    _open: OrderedDict[str, Session] = field(default_factory=OrderedDict[str, Session])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.drafter = drafter_of(self.drafter)  # once: how a model fares is known to all sessions

    def get(self, session_id: str) -> Session:
        """The session of this id, begun if it is new. Raises `ArchiveError`."""
        with self._lock:
            session = self._open.pop(session_id, None) or self._opened(session_id)
            self._open[session_id] = session
            stale = self._open.popitem(last=False)[1] if len(self._open) > OPEN else None
        if stale is not None:
            stale.close()
        return session

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
            observers=self.observers,
            is_pinned=self.is_pinned,
            redactor=self.redactor,
            embedder=self.embedder,
            recall_hint=self.recall_hint,
        )


def archive_of(archive: ArchiveLike) -> Archive:
    """An open archive for whatever was passed as ``archive=``."""
    return archive if isinstance(archive, Archive) else open_archive(archive)


def _configurable(config: Mapping[str, Any] | None) -> Mapping[str, Any]:
    found: Any = (config or {}).get("configurable") or {}
    return cast("Mapping[str, Any]", found)
