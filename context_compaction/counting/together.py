"""Many texts through a tokenizer as one: a call for each costs as much as short texts do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import accumulate, groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiktoken import Encoding

MARK = "<|endoftext|>"
"""Stands between the texts. A token by itself, so that each text is encoded as if it were alone."""
AT_ONCE = 1_000_000
"""Characters that are encoded at once: their tokens take ten times as many bytes while they are counted."""


def counted(table: Encoding, texts: Sequence[str]) -> Iterator[int]:
    """The tokens of each text, in order; counted in a thread that began before this returns.

    The tokenizer holds no lock of Python's: whatever the caller does before it asks costs no time.
    """
    if MARK not in table.special_tokens_set or any(MARK in text for text in texts):
        return iter([len(table.encode_ordinary(text)) for text in texts])
    pool = ThreadPoolExecutor(1, "counting")
    try:
        counting = pool.submit(_count, table, texts)
    except RuntimeError:  # no thread to be had, as when the interpreter is about to end
        return iter(_count(table, texts))
    pool.shutdown(wait=False)
    return _waited_for(counting)


def _waited_for(counting: Future[list[int]]) -> Iterator[int]:
    yield from counting.result()


def _count(table: Encoding, texts: Sequence[str]) -> list[int]:
    places = zip(accumulate(map(len, texts)), texts, strict=True)
    portions = groupby(places, lambda place: place[0] // AT_ONCE)
    return [
        count
        for _, portion in portions
        for count in _lengths(table, MARK.join([text for _, text in portion]))
    ]


def _lengths(table: Encoding, joined: str) -> Iterator[int]:
    """How many tokens there are before each mark, and behind the last."""
    tokens = table.encode(joined, allowed_special={MARK}, disallowed_special=())
    mark, start = table.eot_token, 0
    for _ in range(tokens.count(mark)):
        end = tokens.index(mark, start)
        yield end - start
        start = end + 1
    yield len(tokens) - start
