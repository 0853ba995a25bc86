"""`TiktokenCounter`: OpenAI's tokenizers, loaded at the first count; an estimate where they cannot be had."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from context_compaction.counting.approximate import ApproximateCounter
from context_compaction.counting.base import MediaPricing, TokenCounter
from context_compaction.counting.pieces import pieces, tidy
from context_compaction.counting.tables import load_encoding
from context_compaction.counting.together import counted
from context_compaction.messages import Message

if TYPE_CHECKING:
    from tiktoken import Encoding

_SHORT = 64
"""Characters up to which a text is remembered: ids, tool names, placeholders."""
_REMEMBERED = 4096
_MANY = 32
"""Messages from which on they are counted together."""


class TiktokenCounter(TokenCounter):
    """Counts with a tiktoken encoding; special tokens in text are text. Thread-safe.

    The table is looked for at the first count (or at ``name`` or ``exact``): in the user's tiktoken cache,
    in the copy that comes with llama-index-core, on the network. Without it an `ApproximateCounter` counts,
    and ``name`` says so. The first count raises `ValueError` for an encoding that tiktoken does not know.
    """

    def __init__(self, encoding: str = "o200k_base", *, media: MediaPricing = "openai") -> None:
        self.encoding = encoding
        self.media = media
        self._short = lru_cache(_REMEMBERED)(self._count)

    @property
    def name(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]  # only loading tells
        """``tiktoken/o200k_base``, or ``approximate`` where its table cannot be had."""
        return self._fallback.name if self._table is None else f"tiktoken/{self.encoding}"

    @property
    def exact(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]  # the same
        """Whether the tokenizer itself counts."""
        return self._table is not None

    def text(self, text: str) -> int:
        """Tokens of plain text. Runs of over a thousand like characters may count a token a thousand more."""
        return self._short(text) if len(text) <= _SHORT else self._count(text)

    def _count(self, text: str) -> int:
        table = self._table
        if table is None:
            return self._fallback.text(text)
        encode = table.encode_ordinary
        return sum([len(encode(piece)) for piece in pieces(tidy(text))])

    def each(self, messages: Sequence[Message]) -> Iterable[int]:
        """Many are counted together by a thread of their own, as the tokenizer needs no Python meanwhile."""
        table, kind = self._table, type(self)
        own = kind.message is TokenCounter.message and kind.text is TiktokenCounter.text
        if table is None or len(messages) < _MANY or not own:
            return super().each(messages)
        said = [
            (envelope, [piece for text in texts for piece in pieces(tidy(text))])
            for envelope, texts in map(self.parts, messages)
        ]
        counts = counted(table, [piece for _, parts in said for piece in parts])
        return (envelope + sum(islice(counts, len(parts))) for envelope, parts in said)

    @cached_property
    def _table(self) -> Encoding | None:
        return load_encoding(self.encoding)

    @cached_property
    def _fallback(self) -> ApproximateCounter:
        return ApproximateCounter(media=self.media)
