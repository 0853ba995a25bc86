"""How passages are quoted to a drafter: their headers, and what they cost."""

from __future__ import annotations

from context_compaction.counting import TokenCounter
from context_compaction.drafting.base import DraftRequest, Passage
from context_compaction.drafting.markers import label

ENVELOPE_TOKENS = 8
"""What a passage costs beyond its text and header: the delimiters around it."""


def passage_tokens(passage: Passage, counter: TokenCounter) -> int:
    """Tokens that the passage takes when it is quoted with its header."""
    header = header_of(passage)
    return counter.text(passage.text) + counter.text(header) + ENVELOPE_TOKENS


def header_of(passage: Passage) -> str:
    """Reference, role, speaker and date in one line: ``m:57 | tool read_file | 2023-05-08 13:56 | error``."""
    speaker = f"{passage.role} {label(passage.name)}" if passage.name else passage.role
    parts = (passage.ref, speaker, passage.date, "error" if passage.is_error else None)
    return " | ".join(part for part in parts if part)


def source_tokens(request: DraftRequest, counter: TokenCounter) -> int:
    """Tokens of all that a request wants summarised."""
    return sum(passage_tokens(passage, counter) for passage in request.passages)
