"""What of a list that comes back from a turn is new.

`RunnableWithMessageHistory` cuts its list by the length that the history has at the end of a turn. If it
was compacted meanwhile, old messages come back; if it grew, the question is cut off. Ids tell.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence
from weakref import ref

from langchain_core.messages import BaseMessage

from langchain_compaction.history.handed import Entered, Handed
from langchain_compaction.marks import ASKED, HISTORIC, is_marked, unmarked
from langchain_compaction.messages import from_langchain

KEPT = 64
"""Turns at once whose questions are held until one of them took each."""


class Turns:
    """The turns that are under way on one history. Safe to use from threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entered: list[ref[Entered]] = []
        # Ids of the log alone: there are as many as messages in it that came with one.
        self._historic: set[str] = set()
        self._kept: list[Entered] = []
        self._put_back: set[str] = set()
        self._length = 0

    def handed(self, messages: Iterable[BaseMessage]) -> Handed:
        """The history's present messages, to be handed out."""
        handed = Handed(messages, self._enter)
        with self._lock:
            self._historic.update(message.id for message in handed if message.id)
            self._length = len(handed)
        return handed

    def clear(self) -> None:
        """Nothing of the log is there any more."""
        with self._lock:
            self._historic.clear()

    def new_of(self, incoming: Sequence[BaseMessage]) -> list[BaseMessage]:
        """What is to be stored, in order, as it was before it was handed out."""
        with self._lock:
            fresh = [message for message in _once(incoming) if not self._is_known(message)]
            new = self._cut_off(fresh) + fresh
        return [unmarked(message) if is_marked(message, ASKED) else message for message in new]

    def _enter(self, entered: Entered) -> None:
        with self._lock:
            self._entered = [known for known in self._entered if known() is not None]
            self._entered.append(ref(entered))

    def _is_known(self, message: BaseMessage) -> bool:
        if is_marked(message, HISTORIC) or message.id in self._historic or message.id in self._put_back:
            return True
        read = from_langchain(message) if message.id else None
        return read is not None and (read.is_context or read.is_recalled)

    def _cut_off(self, fresh: Sequence[BaseMessage]) -> list[BaseMessage]:
        """The part of the turn's question that did not come back with its answer."""
        back = {message.id for message in fresh}
        turn = self._turn_of(fresh, back)
        if turn is None:
            return []
        self._entered = [known for known in self._entered if known() is not turn]
        self._kept = [kept for kept in self._kept if kept is not turn]
        cut = [asked for asked in turn.asked if asked.id not in back and asked.id not in self._historic]
        self._put_back.update(asked.id for asked in cut if is_marked(asked, ASKED) and asked.id)
        return cut

    def _turn_of(self, fresh: Sequence[BaseMessage], back: Collection[str | None]) -> Entered | None:
        """The turn whose question this holds; an answer alone is to a question that was cut off.

        Of several it is the latest of this thread, else the latest: one that failed, whose list a traceback
        may still hold, is not taken for the present one. If that was wrong, the answer to the question taken
        gets one of the others, which must not be gone by then: none is lost, whichever it stands beside.
        """
        turns = [turn for known in reversed(self._entered) if (turn := known()) is not None and turn.asked]
        for turn in turns:
            if any(asked.id in back for asked in turn.asked):
                return turn
        if not turns or not fresh or fresh[0].type in ("human", "system"):
            return None
        thread, length = threading.get_ident(), self._length
        taken = max(turns, key=lambda turn: (turn.thread == thread, len(turn) <= length))
        self._kept = [turn for turn in turns if turn is not taken][:KEPT]
        return taken


def _once(messages: Iterable[BaseMessage]) -> list[BaseMessage]:
    """Agents give the question back with the answer; what has our mark is stored once."""
    seen: set[str] = set()
    out: list[BaseMessage] = []
    for message in messages:
        if is_marked(message, ASKED):
            if message.id in seen:
                continue
            seen.add(message.id or "")
        out.append(message)
    return out
