"""What a draft must be before it may stand for anything."""

from __future__ import annotations

from context_compaction.counting import TokenCounter
from context_compaction.drafting.base import Draft, DraftRequest
from context_compaction.errors import DrafterError
from context_compaction.text.thinking import spoken_draft

TRIM_SHARE = 0.1
"""A draft over its cap by at most this share is trimmed at a line; a longer one ignored its instructions."""
MIN_REPEATS = 8
"""Lines or more, of which under a third are distinct, are a model going round in circles."""


def checked(draft: object, request: DraftRequest, counter: TokenCounter, source_tokens: int) -> str:
    """The text of a draft, reasoning stripped, within the cap of its request.

    Raises `DrafterError` when it is no text, empty, over ``max_tokens`` by more than a tenth, longer than
    its source of ``source_tokens``, or repeats itself.
    """
    given = draft.text if isinstance(draft, Draft) else draft
    if not isinstance(given, str):
        raise DrafterError(f"the draft is {type(given).__name__}, not text")
    text = spoken_draft(given)
    if not text:
        raise DrafterError(
            "the draft is empty" if not given.strip() else "the draft is nothing but reasoning"
        )
    tokens = counter.text(text)
    if tokens > request.max_tokens:
        if tokens > request.max_tokens * (1 + TRIM_SHARE):
            raise DrafterError(f"the draft has {tokens} tokens, its cap is {request.max_tokens}")
        text = trimmed(text, request.max_tokens, counter)
        tokens = counter.text(text)
    if tokens > source_tokens:
        raise DrafterError(f"the draft has {tokens} tokens, more than its source ({source_tokens})")
    if _loops(text):
        raise DrafterError("the draft repeats itself")
    return text


def trimmed(text: str, max_tokens: int, counter: TokenCounter) -> str:
    """The text less its last lines, until it fits. Raises `DrafterError` when not one line does."""
    lines = text.splitlines()
    while lines and counter.text("\n".join(lines)) > max_tokens:
        lines.pop()
    while lines and (not lines[-1].strip() or lines[-1].startswith("## ")):
        lines.pop()
    if not lines:
        raise DrafterError(f"not one line of the draft fits into its cap of {max_tokens} tokens")
    return "\n".join(lines)


def _loops(text: str) -> bool:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return len(lines) >= MIN_REPEATS and 3 * len(set(lines)) < len(lines)
