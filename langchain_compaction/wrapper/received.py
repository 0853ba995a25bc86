"""What a stream has given so far, added up to messages."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, cast

from langchain_core.messages import AIMessage, BaseMessage, BaseMessageChunk

from context_compaction import CompactionError
from langchain_compaction.errors import NotMessages
from langchain_compaction.values import output_messages
from langchain_compaction.wrapper.keys import Keys

Incomplete = Literal["abandoned", "failed"]
Piece = str | BaseMessage
logger = logging.getLogger(__name__)


class Received:
    """Chunks of text, of messages, of dicts that hold them, or a graph's updates: added up as they come."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._by_key: dict[str | None, list[Piece]] = {}
        self._passed_over: list[str] = []
        self._wrong: NotMessages | None = None

    def add(self, chunk: Any) -> None:
        """Never raises: a stream goes on, and what was wrong with it is told at its end."""
        chunk, named = _unwrapped(chunk), self._keys.output
        if isinstance(chunk, Mapping):
            self._add_fields(cast("Mapping[str, Any]", chunk), named)
        elif named is None or isinstance(chunk, BaseMessage):
            self._put(named, chunk)

    def _add_fields(self, fields: Mapping[str, Any], named: str | None) -> None:
        if named is None or named in fields:
            for key, value in fields.items():
                if named in (None, key):
                    self._put(key, value)
            return
        for key, update in fields.items():  # of a graph, by node
            if isinstance(update, Mapping) and named in update:
                self._put(named, update[named])
            else:
                self._passed_over.append(key)

    def messages(self) -> list[BaseMessage]:
        """All of them. Raises `AmbiguousKeys`, `NotMessages`."""
        keys = [key for key in self._by_key if key is not None]
        if not self._by_key:
            keys = self._passed_over
        chosen = self._keys.of_output(keys) if keys else None
        if self._wrong is not None:
            raise self._wrong
        return [
            AIMessage(piece) if isinstance(piece, str) else piece for piece in self._by_key.get(chosen, ())
        ]

    def incomplete(self, why: Incomplete) -> list[BaseMessage]:
        """`messages`, the last one marked: ``additional_kwargs["incomplete"]`` says why it is not whole."""
        self._wrong = None
        messages = self.messages()
        if messages:
            kwargs = {**messages[-1].additional_kwargs, "incomplete": why}
            messages[-1] = messages[-1].model_copy(update={"additional_kwargs": kwargs})
        return messages

    def _put(self, key: str | None, value: Any) -> None:
        pieces = self._by_key.setdefault(key, [])
        try:
            for piece in _pieces(value):
                _join(pieces, piece)
        except NotMessages as error:
            self._wrong = error


def why(error: BaseException) -> Incomplete:
    """Whether the runnable failed, or whoever waited for it went away: a cancelled task, an interrupt."""
    return "failed" if isinstance(error, Exception) else "abandoned"


@contextmanager
def telling(error: BaseException) -> Generator[None]:
    """What ended the stream is what is raised; that its rest could not be stored is noted on it."""
    try:
        yield
    except CompactionError as lost:
        logger.exception("what a stream gave before it ended could not be stored")
        error.add_note(f"what it gave before could not be stored: {lost}")


def _unwrapped(chunk: Any) -> Any:
    """Without what a graph's stream says of it: its metadata behind, its graph and mode before it."""
    while isinstance(chunk, tuple) and chunk:
        parts = cast("tuple[Any, ...]", chunk)
        chunk = parts[0] if isinstance(parts[0], BaseMessage) else parts[-1]
    return cast("Any", chunk)


def _pieces(value: Any) -> Iterator[Piece]:
    if isinstance(value, str):
        yield value
    else:
        yield from output_messages(value, "a chunk of the stream")


def _join(pieces: list[Piece], piece: Piece) -> None:
    """Text to text, a chunk to its message; a message that comes again takes the place of the former."""
    last = pieces[-1] if pieces else None
    if isinstance(piece, str):
        joined = last + piece if isinstance(last, str) else None
    elif isinstance(piece, BaseMessageChunk) and isinstance(last, BaseMessageChunk):
        joined = last + piece if None in (last.id, piece.id) or last.id == piece.id else None
    else:
        joined = None
    if joined is not None:
        pieces[-1] = cast("Piece", joined)
        return
    if isinstance(piece, BaseMessage) and piece.id is not None:
        for at, known in enumerate(pieces):
            if isinstance(known, BaseMessage) and known.id == piece.id:
                pieces[at] = piece
                return
    pieces.append(piece)
