"""What a draft must be before it may stand for anything."""

from __future__ import annotations

from typing import NamedTuple

from context_compaction.counting import TokenCounter
from context_compaction.drafting.base import Draft, DraftRequest
from context_compaction.drafting.invented import without_invented
from context_compaction.drafting.leaks import leaked
from context_compaction.drafting.looping import loops
from context_compaction.drafting.prompt import Instructions
from context_compaction.errors import DrafterError
from context_compaction.schema import parse_sections
from context_compaction.text.thinking import spoken_draft

TRIM_SHARE = 0.1
"""A draft over its cap by at most this share is trimmed at a line; a longer one ignored its instructions."""
FEW_INVENTED, INVENTED_SHARE = 2, 0.2
"""Invented instructions are left out; more of them than this, and than this share of the lines, and the draft
obeyed somebody else."""


class Checked(NamedTuple):
    """What is left of a draft."""

    text: str
    note: str = ""
    """What was left out, in words."""


def checked(
    draft: object,
    request: DraftRequest,
    counter: TokenCounter,
    source_tokens: int,
    *,
    sectioned: bool = False,
    instructions: Instructions | None = None,
) -> Checked:
    """The text of a draft, reasoning and invented instructions left out, within the cap of its request.

    Raises `DrafterError` when it is no text, empty, over ``max_tokens`` by more than a tenth, longer than
    its source of ``source_tokens``, repeats itself or its prompt (``instructions``), invents instructions one
    after another, or has none of the request's sections though it is ``sectioned``.
    """
    text = _spoken(draft)
    tokens = counter.text(text)
    if tokens > request.max_tokens * (1 + TRIM_SHARE):
        raise DrafterError(f"the draft has {tokens} tokens, its cap is {request.max_tokens}")
    text, invented = _given(text, request)
    tokens = counter.text(text) if invented else tokens
    if tokens > request.max_tokens:
        text = trimmed(text, request.max_tokens, counter)
        tokens = counter.text(text)
    if tokens > source_tokens:
        raise DrafterError(f"the draft has {tokens} tokens, more than its source ({source_tokens})")
    sources = [*(passage.text for passage in request.passages), *request.context]
    if loops(text, sources):
        raise DrafterError("the draft repeats itself")
    leak = leaked(text, instructions or Instructions.default(), request.sections, sources)
    if leak is not None:
        raise DrafterError(f"the draft repeats its prompt: {leak[:60]!r}")
    if sectioned and not parse_sections(text, request.sections):
        raise DrafterError("the draft has none of the sections that it should have")
    note = f"left out {invented} instruction{'s' * (invented > 1)} that nobody gave" if invented else ""
    return Checked(text, note)


def _spoken(draft: object) -> str:
    given = draft.text if isinstance(draft, Draft) else draft
    if not isinstance(given, str):
        raise DrafterError(f"the draft is {type(given).__name__}, not text")
    text = spoken_draft(given)
    if not text:
        raise DrafterError(
            "the draft is empty" if not given.strip() else "the draft is nothing but reasoning"
        )
    return text


def _given(text: str, request: DraftRequest) -> tuple[str, int]:
    """The draft less the instructions that nobody gave, and their number."""
    rest, invented = without_invented(text, request)
    lines = sum(bool(line.strip()) and not line.startswith("## ") for line in text.splitlines())
    if invented > FEW_INVENTED and invented > INVENTED_SHARE * lines:
        raise DrafterError(f"the draft has {invented} instructions that nobody gave")
    if not rest:
        raise DrafterError("the draft has nothing but instructions that nobody gave")
    return rest, invented


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
