"""The sessions of an agent's runs, opened when a run first asks its model."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from context_compaction import Archive, Budget, Session, open_archive
from langchain_compaction.agents.following import Known
from langchain_compaction.agents.places import Place
from langchain_compaction.sessions import ANY_BUDGET, Sessions
from langchain_compaction.turns import lock_of

RUNS = 64
"""So many runs without a thread are kept at a time; who comes back later begins again from its state."""
TENANTS = 64
"""Of so many namespaces sessions are kept open."""


class Threads:
    """Sessions by place and window. Safe to use from threads."""

    def __init__(self, archive: Archive, reserve_tokens: int | None, options: Mapping[str, Any]) -> None:
        """``options``: all else that `Sessions` takes."""
        self._archive = archive
        self._reserve = reserve_tokens
        self._options = options
        self._sessions: OrderedDict[tuple[str, int], Sessions] = OrderedDict()
        """By namespace and window."""
        self._runs: OrderedDict[Place, Session] = OrderedDict()
        """Of runs without a thread, each with an archive of its own."""
        self._last: WeakValueDictionary[Place, Session] = WeakValueDictionary()
        self._known: WeakKeyDictionary[Session, Known] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def get(self, place: Place, window: int) -> Session:
        """The session to send from. Raises `InvalidBudget`, `ArchiveError`."""
        with self._lock:
            session = self._of_thread(place, window) if place.is_thread else self._of_run(place, window)
            if self._last.get(place) is not session:
                self._last[place] = session
            return session

    def aside(self, place: Place, window: int) -> Session:
        """One in memory, for a run whose archive cannot be used."""
        with self._lock:
            return self._of_run(place.aside, window)

    def known(self, session: Session) -> Known:
        """What is remembered of it."""
        with self._lock:
            known = self._known.get(session)
            if known is None:
                known = self._known[session] = Known(lock_of(session))
            return known

    def last(self, place: Place) -> Session | None:
        """The session that was last sent from here; None if there was none in this process."""
        return self._last.get(place)

    def reading(self, place: Place, window: int | None) -> Session:
        """A session to look things up in, of this window if that is known. Raises `ArchiveError`."""
        last = self.last(place)
        if last is not None:
            return last
        if place.is_thread and window is not None:
            with self._lock:
                return self._of_thread(place, window)
        return Session(
            self._archive if place.is_thread else ":memory:",
            place.session_id,
            place.namespace,
            budget=ANY_BUDGET,
            **self._options,
        )

    def end(self, place: Place) -> None:
        """A run is over: without a thread nothing can go on with it."""
        with self._lock:
            session = self._runs.pop(place, None)
        if session is not None:
            _close(session)

    def close(self) -> None:
        """Close all sessions."""
        with self._lock:
            held, runs = list(self._sessions.values()), list(self._runs.values())
            self._sessions.clear()
            self._runs.clear()
        for sessions in held:
            sessions.close()
        for session in runs:
            _close(session)

    def _of_thread(self, place: Place, window: int) -> Session:
        key = (place.namespace, window)
        sessions = self._sessions.pop(key, None) or self._made(self._archive, place, window)
        self._sessions[key] = sessions
        if len(self._sessions) > TENANTS:
            self._sessions.popitem(last=False)[1].close()
        return sessions.get(place.session_id)

    def _of_run(self, place: Place, window: int) -> Session:
        session = self._runs.pop(place, None)
        if session is None:
            session = self._made(open_archive(":memory:"), place, window).get(place.session_id)
        self._runs[place] = session
        if len(self._runs) > RUNS:
            _close(self._runs.popitem(last=False)[1])
        return session

    def _made(self, archive: Archive, place: Place, window: int) -> Sessions:
        budget = Budget(window, self._reserve)
        return Sessions(archive, budget, namespace=place.namespace, **self._options)


def _close(session: Session) -> None:
    session.close()
    session.archive.close()
