"""Drafters for tests: one that says what it is told to, and one for every way to misbehave."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from typing import cast

from context_compaction.drafting.base import Draft, DraftRequest, SummaryDrafter

Script = Sequence[str] | str | Callable[[DraftRequest], str]
STATED = "## Current State\n- as scripted"


class ScriptedDrafter(SummaryDrafter):
    """Answers from a script and keeps every request: ``drafter.requests``.

    ``script`` is a function of the request, one text for every request, or texts in the order of the
    requests (the last one again when they run out).
    """

    def __init__(
        self,
        script: Script = STATED,
        *,
        window: int | None = None,
        is_model: bool = True,
        name: str = "scripted",
        deadline: float | None = None,
    ) -> None:
        self.script = script
        self.window = window
        self.is_model = is_model
        self.name = name
        self.deadline = deadline
        self.requests: list[DraftRequest] = []
        self.calls = 0
        self.last_cancel: threading.Event | None = None

    def draft(self, requests: Sequence[DraftRequest], *, cancel: threading.Event) -> Sequence[Draft | str]:
        """The script's next texts. ``cancel`` is kept as `last_cancel`."""
        self.calls += 1
        self.last_cancel = cancel
        first = len(self.requests)
        self.requests.extend(requests)
        return [Draft(self._text(first + index, request)) for index, request in enumerate(requests)]

    def _text(self, index: int, request: DraftRequest) -> str:
        if callable(self.script):
            return self.script(request)
        texts = [self.script] if isinstance(self.script, str) else self.script
        return texts[min(index, len(texts) - 1)]


class RaisingDrafter(ScriptedDrafter):
    """Raises ``error`` whenever it is asked; a `KeyboardInterrupt` or `SystemExit` too."""

    def __init__(self, error: BaseException | None = None, *, name: str = "raising") -> None:
        super().__init__(name=name)
        self.error = error or RuntimeError("no GPU to be had")

    def draft(self, requests: Sequence[DraftRequest], *, cancel: threading.Event) -> Sequence[Draft | str]:
        """Raises."""
        super().draft(requests, cancel=cancel)
        raise self.error


class CancellingDrafter(RaisingDrafter):
    """Says that its work was cancelled."""

    def __init__(self, *, name: str = "cancelling") -> None:
        super().__init__(CancelledError(), name=name)


class HangingDrafter(ScriptedDrafter):
    """Hangs until ``release`` is set, for ``seconds`` at most; then it answers late, as scripted.

    It also ends when it is cancelled, unless ``ignore_cancel``. ``entered`` is set while it hangs.
    """

    def __init__(
        self,
        script: Script = STATED,
        *,
        seconds: float = 3600.0,
        ignore_cancel: bool = False,
        name: str = "hanging",
        deadline: float | None = None,
        window: int | None = None,
    ) -> None:
        super().__init__(script, name=name, deadline=deadline, window=window)
        self.seconds = seconds
        self.ignore_cancel = ignore_cancel
        self.entered = threading.Event()
        self.release = threading.Event()
        self.left = threading.Event()

    def draft(self, requests: Sequence[DraftRequest], *, cancel: threading.Event) -> Sequence[Draft | str]:
        """Hangs, then answers."""
        self.entered.set()
        step = self.seconds if self.ignore_cancel else min(0.01, self.seconds)
        waited = 0.0
        while not self.release.wait(step) and (waited := waited + step) < self.seconds:
            if cancel.is_set() and not self.ignore_cancel:
                break
        try:
            return super().draft(requests, cancel=cancel)
        finally:
            self.left.set()


class LateDrafter(HangingDrafter):
    """Ignores its cancel event and answers after ``seconds``."""

    def __init__(self, script: Script = STATED, *, seconds: float = 0.2, name: str = "late") -> None:
        super().__init__(script, seconds=seconds, ignore_cancel=True, name=name)


class EmptyDrafter(ScriptedDrafter):
    """Returns white space."""

    def __init__(self, *, name: str = "empty") -> None:
        super().__init__(" \n\t", name=name)


class ThinkOnlyDrafter(ScriptedDrafter):
    """Thinks until it runs out of tokens and says nothing."""

    def __init__(self, *, name: str = "think-only") -> None:
        super().__init__("<think>\nThe user wants a summary. Let me see what", name=name)


class TooLongDrafter(ScriptedDrafter):
    """Returns twice as many words as it has tokens, every one of them new."""

    def __init__(self, *, name: str = "too-long") -> None:
        super().__init__(
            lambda request: "\n".join(f"- fact number {index}" for index in range(request.max_tokens)),
            name=name,
        )


class WrongNumberDrafter(ScriptedDrafter):
    """Returns one draft too many, or as many as it is told."""

    def __init__(self, number: int | None = None, *, name: str = "wrong-number") -> None:
        super().__init__(name=name)
        self.number = number

    def draft(self, requests: Sequence[DraftRequest], *, cancel: threading.Event) -> Sequence[Draft | str]:
        """So many drafts, whatever was asked."""
        super().draft(requests, cancel=cancel)
        return [STATED] * (len(requests) + 1 if self.number is None else self.number)


class NotTextDrafter(ScriptedDrafter):
    """Returns dictionaries."""

    def __init__(self, *, name: str = "not-text") -> None:
        super().__init__(name=name)

    def draft(self, requests: Sequence[DraftRequest], *, cancel: threading.Event) -> Sequence[Draft | str]:
        """Something that is no text."""
        super().draft(requests, cancel=cancel)
        return cast("Sequence[str]", [{"summary": "x"} for _ in requests])
