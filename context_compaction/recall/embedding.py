"""`Embedding`: vectors of what is said, made while nobody waits, and of what is asked."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

from context_compaction.archive.base import Archive
from context_compaction.archive.records import VectorModel
from context_compaction.errors import ArchiveError, EmbedderError, MissingPackage
from context_compaction.recall.embedded_texts import texts_of
from context_compaction.recall.guarded import GuardedEmbedder, Vector
from context_compaction.text.embedding import Embedder

BATCH = 16
"""Texts that are embedded at once: a question waits for one batch at most."""
PAGE = 512
"""Texts that are looked for at once."""
QUERY_CHARS = 4000
IDLE_SECONDS = 5.0
"""How long the thread waits for more before it ends."""
logger = logging.getLogger(__name__)
_KNOWN: weakref.WeakValueDictionary[int, Embedding] = weakref.WeakValueDictionary()
_LOCK = threading.Lock()


class Embedding:
    """An embedder at work for archives. No caller of `notice` waits, and what fails here fails nobody.

    A log is embedded in its order, batch by batch, each stored when it is made: whoever opens the session
    next goes on where this process stopped, and two processes at it at once make nothing twice.
    """

    def __init__(self, embedder: Embedder, clock: Callable[[], float] = time.monotonic) -> None:
        self.embedder = embedder
        self.trouble = ""
        """Why the last call of the embedder failed; empty while all is well."""
        self._clock = clock
        self._process = os.getpid()
        self._source: object = embedder
        self._begin()
        _stop_at_exit(self)

    @staticmethod
    def of(embedder: Any) -> Embedding:
        """The one for whatever was passed as ``embedder=``: sessions that share an embedder share its turns.

        Raises what `Embedder.of` raises, and `MissingPackage` without numpy.
        """
        if isinstance(embedder, Embedding):
            return embedder
        if find_spec("numpy") is None:  # the search needs it: better told now than in a turn
            raise MissingPackage("embedder=", "numpy", "embeddings")
        with _LOCK:
            known = _KNOWN.get(id(embedder))
            if known is None:
                known = _KNOWN[id(embedder)] = Embedding(Embedder.of(embedder))
                known._source = embedder  # it is known by its id for as long as that is its own
            return known

    @property
    def name(self) -> str:
        """The model's."""
        return self.embedder.name

    def vector(self, question: str) -> tuple[VectorModel, Vector] | None:
        """The vector of a question and what it is by; None if the embedder fails or takes too long."""
        self._after_fork()
        text = question[:QUERY_CHARS]
        last = self._asked
        if last is not None and last[0] == text:
            return last[1]
        try:
            vector = self.guarded.embed_query(text)
        except EmbedderError as error:
            self._failed("recall goes on by words alone", error)
            return None
        self.trouble = ""
        found = VectorModel(self.name, len(vector)), vector
        self._asked = (text, found)
        return found

    def notice(self, archive: Archive, branch: int) -> None:
        """See to it that what the branch sees gets its vectors, soon."""
        if not archive.keeps_vectors:
            self.trouble = f"{archive!r} keeps no vectors"
            return
        self._after_fork()
        with self._changed:
            self._waiting[id(archive), branch] = archive
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="embedding", daemon=True)
                self._thread.start()

    def wait(self, archive: Archive, branch: int, seconds: float | None = None) -> bool:
        """Wait until the branch has been seen to; False if that takes longer than ``seconds``."""
        key = (id(archive), branch)
        with self._changed:
            return self._changed.wait_for(lambda: key not in self._waiting and key != self._current, seconds)

    def missing(self, archive: Archive, branch: int) -> int:
        """How much of what the branch sees has no vector yet."""
        if not archive.keeps_vectors:
            return 0
        self._after_fork()
        return len(archive.unembedded(branch, VectorModel(self.name, self.guarded.dimension), sys.maxsize))

    def leave(self, archive: Archive) -> None:
        """Let go of an archive that is about to be closed: what has no vector yet gets it later."""
        self._after_fork()
        with self._changed:
            for key in [key for key in self._waiting if key[0] == id(archive)]:
                del self._waiting[key]
            if self._current is not None and self._current[0] == id(archive):
                self._left = self._current
            self._changed.notify_all()

    def stop(self) -> None:
        """End the thread once its present batch is done; a hung one is not waited for."""
        with self._changed:
            self._waiting.clear()
            self._left, self._ending, thread = self._current, True, self._thread
            self._changed.notify_all()
        if thread is not None:
            thread.join(1.0)

    def _after_fork(self) -> None:
        """In a forked child begin anew: thread, call and whoever held a lock are the parent's."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self._begin()

    def _begin(self) -> None:
        self.guarded = GuardedEmbedder(self.embedder, self._clock)
        self._changed = threading.Condition()
        self._waiting: dict[tuple[int, int], Archive] = {}
        self._current: tuple[int, int] | None = None
        self._left: tuple[int, int] | None = None
        self._ending = False
        self._thread: threading.Thread | None = None
        self._asked: tuple[str, tuple[VectorModel, Vector]] | None = None
        self._done: weakref.WeakKeyDictionary[Archive, dict[int, tuple[int, int]]] = (
            weakref.WeakKeyDictionary()
        )
        """By archive and branch: up to which message and summary all have vectors."""

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._waiting and not self._ending:
                    self._changed.wait_for(lambda: self._waiting or self._ending, IDLE_SECONDS)
                if not self._waiting:
                    self._thread = None
                    return
                self._current = key = next(iter(self._waiting))
                archive = self._waiting.pop(key)
            try:
                self._catch_up(archive, key)
            except Exception as error:  # noqa: BLE001  nobody is there to be told, and others wait
                self._failed("what has no vector yet gets it later", error)
            finally:
                del archive  # a thread that waits keeps no archive open
                with self._changed:
                    self._current = self._left = None
                    self._changed.notify_all()

    def _catch_up(self, archive: Archive, key: tuple[int, int]) -> None:
        branch = key[1]
        done = self._done.setdefault(archive, {})
        model = self._model()
        while refs := archive.unembedded(branch, model, PAGE, after=done.get(branch, (0, 0))):
            for start in range(0, len(refs), BATCH):
                if self._left == key:
                    return
                batch = refs[start : start + BATCH]
                archive.add_vectors(branch, model, self._vectors(texts_of(archive, branch, batch)))
            done[branch] = _behind(refs, done.get(branch, (0, 0)))
        self.trouble = ""

    def _model(self) -> VectorModel:
        if not self.guarded.dimension:
            self.guarded.embed(["dimension"])
        return VectorModel(self.name, self.guarded.dimension)

    def _vectors(self, texts: dict[str, str]) -> dict[str, Vector | None]:
        """By reference. A text that alone among others cannot be embedded is given up."""
        vectors: dict[str, Vector | None] = dict.fromkeys(texts)
        some = {ref: text for ref, text in texts.items() if text.strip()}
        try:
            return vectors | dict(zip(some, self._made(list(some.values())), strict=True))
        except EmbedderError:
            if len(some) < 2:
                raise
        failed: EmbedderError | None = None
        for ref, text in some.items():
            try:
                [vectors[ref]] = self._made([text])
            except EmbedderError as error:
                failed = error
        if failed is not None and not any(vectors.values()):
            raise failed
        return vectors

    def _made(self, texts: Sequence[str]) -> list[Vector]:
        return self.guarded.embed(texts) if texts else []

    def _failed(self, what: str, error: Exception) -> None:
        if isinstance(error, ArchiveError):
            logger.info("%s: %s", what, error)  # closed, or its session forgotten
            return
        self.trouble = f"{type(error).__name__}: {error}"
        logger.warning("embeddings: %s: %s", what, self.trouble)


def _behind(refs: Sequence[str], done: tuple[int, int]) -> tuple[int, int]:
    seqs = [int(ref[2:]) for ref in refs if ref[0] == "m"]
    summaries = [int(ref[2:]) for ref in refs if ref[0] == "s"]
    return max([done[0], *seqs]), max([done[1], *summaries])


def _stop_at_exit(embedding: Embedding) -> None:
    """The interpreter must not come to its end in the middle of a model's call."""
    known = weakref.ref(embedding)
    atexit.register(lambda: (found := known()) and found.stop())
