"""From what a user passes as ``counter=`` to a `TokenCounter`."""

from __future__ import annotations

from collections.abc import Callable

from context_compaction.counting.approximate import ApproximateCounter
from context_compaction.counting.base import TokenCounter
from context_compaction.counting.from_callable import CallableCounter
from context_compaction.counting.tiktoken_counter import TiktokenCounter

DEFAULT_ENCODING = "o200k_base"


def choose_counter(counter: TokenCounter | Callable[[str], int] | str | None = None) -> TokenCounter:
    """A counter as it is; a function of text; a tokenizer; a tiktoken or model name, ``approximate``; None.

    None is tiktoken's o200k_base. Raises `ValueError` for an unknown name, `TypeError` for anything else.
    """
    if counter is None:
        return TiktokenCounter(DEFAULT_ENCODING)
    if isinstance(counter, TokenCounter):
        return counter
    if isinstance(counter, str):
        return _named(counter)
    if hasattr(counter, "apply_chat_template"):
        from context_compaction.counting.transformers import TransformersCounter

        return TransformersCounter(counter)
    if callable(counter):
        return CallableCounter(counter)
    kind = type(counter).__name__
    raise TypeError(
        f"counter must be a TokenCounter, a function of text, a tokenizer, a name or None, not {kind}"
    )


def _named(name: str) -> TokenCounter:
    if name == ApproximateCounter.name:
        return ApproximateCounter()
    bare = name.removeprefix("tiktoken/")
    if bare == DEFAULT_ENCODING:
        return TiktokenCounter(bare)
    import tiktoken

    if bare in tiktoken.list_encoding_names():
        return TiktokenCounter(bare)
    try:
        return TiktokenCounter(tiktoken.encoding_name_for_model(bare))
    except KeyError:
        raise ValueError(
            f"{name!r} is neither a tiktoken encoding nor a model tiktoken knows; encodings are "
            f"{', '.join(tiktoken.list_encoding_names())}, or pass a function of text"
        ) from None
