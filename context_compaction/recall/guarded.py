"""An embedder that nobody waits for too long, and whose answers are what they should be."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from context_compaction.errors import EmbedderError
from context_compaction.text.embedding import Embedder

QUERY_SECONDS = 2.0
"""How long a recall waits for the vector of its question, an embedding that is under way included."""
BATCH_SECONDS = 120.0
"""How long a batch of texts may take."""
FIRST_COOLDOWN, MAX_COOLDOWN = 60.0, 3840.0
"""Seconds that an embedder is left alone after it missed a deadline: doubled each time, six times at most."""
Vector = tuple[float, ...]


class GuardedEmbedder:
    """One call at a time, each in a daemon thread with a deadline; who asks for a question goes first.

    Past its deadline a call is abandoned: it cannot be stopped, but until it has ended the embedder is not
    asked again, and then left alone for a while. ``clock`` gives monotonic seconds.
    """

    def __init__(self, embedder: Embedder, clock: Callable[[], float] = time.monotonic) -> None:
        self.embedder = embedder
        self.dimension = 0
        """Length of its vectors; 0 until the first was seen."""
        self._clock = clock
        self._turn = threading.Condition()
        self._call: _Call | None = None
        self._asking = 0
        self._cooling_until = 0.0
        self._cooldown = FIRST_COOLDOWN

    def embed(self, texts: Sequence[str], seconds: float = BATCH_SECONDS) -> list[Vector]:
        """One vector a text. Raises `EmbedderError`."""
        found = self._ask(lambda: self.embedder.embed(texts), seconds, urgent=False)
        return self._checked(found, len(texts))

    def embed_query(self, text: str, seconds: float | None = None) -> Vector:
        """The vector of a question, by default within `QUERY_SECONDS`. Raises `EmbedderError`."""
        found = self._ask(lambda: [self.embedder.embed_query(text)], seconds or QUERY_SECONDS, urgent=True)
        return self._checked(found, 1)[0]

    def _ask(self, ask: Callable[[], Any], seconds: float, *, urgent: bool) -> Any:
        call = self._enter(ask, seconds, urgent=urgent)
        threading.Thread(target=self._run, args=(call,), name="embedder", daemon=True).start()
        if not call.done.wait(seconds):
            with self._turn:
                call.abandoned = True
                self._cooling_until = self._clock() + self._cooldown
                self._cooldown = min(2 * self._cooldown, MAX_COOLDOWN)
            raise EmbedderError(f"{self.embedder.name} did not answer within {seconds:g} s")
        if call.error is not None:
            kind = type(call.error).__name__
            raise EmbedderError(f"{self.embedder.name} failed: {kind}: {call.error}") from call.error
        self._cooldown = FIRST_COOLDOWN
        return call.answer

    def _enter(self, ask: Callable[[], Any], seconds: float, *, urgent: bool) -> _Call:
        """Wait for the embedder to be free. A question waits for no call that is as old as its patience."""
        with self._turn:
            self._asking += urgent
            try:
                patience = seconds
                if self._call is not None and urgent:
                    patience = max(0.0, seconds - (self._clock() - self._call.began))
                if not self._turn.wait_for(lambda: self._is_free(urgent=urgent), patience):
                    raise EmbedderError(f"{self.embedder.name} is busy with an earlier call")
                wait = self._cooling_until - self._clock()
                if wait > 0:
                    raise EmbedderError(
                        f"{self.embedder.name} is left alone for {wait:.0f} s more: it was too slow"
                    )
                self._call = _Call(ask, self._clock())
                return self._call
            finally:
                self._asking -= urgent

    def _is_free(self, *, urgent: bool) -> bool:
        if self._call is not None and self._call.abandoned:
            raise EmbedderError(f"{self.embedder.name} is still busy with an abandoned call")
        return self._call is None and (urgent or not self._asking)

    def _run(self, call: _Call) -> None:
        """The body of the thread: whatever is raised in it, an exit included, is an answer."""
        try:
            call.answer = call.ask()
        except BaseException as error:  # noqa: BLE001  an embedder must not end the process
            call.error = error
        finally:
            with self._turn:
                self._call = None
                self._turn.notify_all()
            call.done.set()

    def _checked(self, found: Any, count: int) -> list[Vector]:
        """The vectors as floats: as many as texts, all finite and of one length."""
        name = self.embedder.name
        try:
            vectors = [tuple(map(float, vector)) for vector in found]
        except (TypeError, ValueError) as error:
            raise EmbedderError(f"{name} returned no list of vectors, but {type(found).__name__}") from error
        if len(vectors) != count:
            raise EmbedderError(f"{name} returned {len(vectors)} vectors for {count} texts")
        for vector in vectors:
            if not vector or len(vector) != (self.dimension or len(vector)):
                raise EmbedderError(
                    f"{name} returned {len(vector)} numbers where it had {self.dimension} before"
                )
            if not math.isfinite(sum(vector)):
                raise EmbedderError(f"{name} returned a vector with numbers that are not finite")
            self.dimension = len(vector)
        return vectors


class _Call:
    """One call of the embedder."""

    def __init__(self, ask: Callable[[], Any], began: float) -> None:
        self.ask = ask
        self.began = began
        self.done = threading.Event()
        self.abandoned = False
        self.answer: Any = None
        self.error: BaseException | None = None
