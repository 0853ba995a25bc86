"""The lists that a history hands out. They tell its own messages from what is added to them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, Self

from langchain_core.messages import BaseMessage

from langchain_compaction.marks import ASKED, HISTORIC, marked
from langchain_compaction.values import input_messages


class Entered(list[BaseMessage]):
    """A turn's working copy: every message in it has an id, what was added ``+=`` is the turn's question."""

    def __init__(self, messages: Iterable[BaseMessage]) -> None:
        super().__init__(marked(messages, HISTORIC))
        self.asked: list[BaseMessage] = []
        self.thread = threading.get_ident()

    def __iadd__(self, messages: Iterable[Any]) -> Self:  # pyright: ignore[reportIncompatibleMethodOverride] - narrower on purpose: NotMessages
        """Raises `NotMessages`."""
        asked = marked(input_messages(list(messages)), ASKED)
        self.asked += asked
        self.extend(asked)
        return self


class Handed(list[BaseMessage]):
    """The compacted context. Upstream's wrapper copies it when a turn begins, and only then."""

    def __init__(self, messages: Iterable[BaseMessage], on_enter: Callable[[Entered], None]) -> None:
        super().__init__(messages)
        self._on_enter = on_enter

    def copy(self) -> Entered:
        """The working copy of a turn."""
        entered = Entered(self)
        self._on_enter(entered)
        return entered
