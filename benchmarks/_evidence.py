"""What a question needs of a conversation, and how much of that a context shows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from context_compaction import Message
from context_compaction.render import passages_in, recalled_quotes
from context_compaction.text.terms import query_words, terms_of

RUN = 16
"""Messages that `in_long_messages` makes one of."""
ADVERSARIAL = 5
"""LoCoMo's number for questions that take one speaker for the other."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and where what answers it stands: number of the message, and what of its text."""

    text: str
    answer: str
    evidence: Sequence[tuple[int, str]]
    answerable: bool = True
    """False where the conversation does not say it: LoCoMo's adversarial questions."""


def read(path: Path, *, long: bool = False) -> tuple[list[Message], list[Asked]]:
    """The messages of a conversation, and its questions that have evidence.

    ``long``: every other sixteen messages are one, as in a pasted transcript; evidence is then a line of it.
    """
    whole: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    said = list(map(Message.from_openai, whole["messages"]))
    where = {index: (index + 1, message.text) for index, message in enumerate(said)}
    if long:
        said, where = in_long_messages(said)
    return said, [
        Asked(
            question["question"],
            str(question.get("answer", "")),
            [where[index] for index in question["evidence"]],
            question.get("category") != ADVERSARIAL,
        )
        for question in whole["questions"]
        if question.get("evidence")
    ]


def in_long_messages(said: Sequence[Message]) -> tuple[list[Message], dict[int, tuple[int, str]]]:
    """Every other sixteen messages as one, a line each, and where each of them stands now."""
    out: list[Message] = []
    where: dict[int, tuple[int, str]] = {}
    for start in range(0, len(said), RUN):
        run = said[start : start + RUN]
        if start // RUN % 2 == 0:
            where.update({start + place: (len(out) + 1 + place, each.text) for place, each in enumerate(run)})
            out.extend(run)
            continue
        lines = [f"{message.name}: {message.text}" for message in run]
        out.append(Message("user", "\n".join(lines), timestamp=run[0].timestamp))
        where.update({start + place: (len(out), line) for place, line in enumerate(lines)})
    return out, where


def shown(seq: int, message: Message, context: Sequence[Message]) -> list[str]:
    """What a context shows word for word of a message: all, passages in the recalled block, or nothing."""
    if any(each.text == message.text for each in context):
        return [message.text]
    return [part for number, parts in _quoted(context) if number == seq for part in parts]


def stands(text: str, parts: Sequence[str]) -> bool:
    """Whether a text stands there as a whole."""
    return any(text in part for part in parts)


def words_needed(asked: Asked) -> set[str]:
    """The answer's words, by their stems, that the evidence holds and the question does not say itself."""
    held = {term for _, text in asked.evidence for term in terms_of(text)}
    return (query_words(asked.answer).keys() - query_words(asked.text).keys()) & held


def answered(asked: Asked, parts: Mapping[int, Sequence[str]]) -> float | None:
    """Of the answer's words that the evidence holds and the question does not, the share that is shown.

    ``parts``: what is shown of each message of the evidence. None if there is no such word.
    """
    needed = words_needed(asked)
    found = {term for of_one in parts.values() for part in of_one for term in terms_of(part)}
    return len(needed & found) / len(needed) if needed else None


def _quoted(context: Sequence[Message]) -> Iterator[tuple[int, list[str]]]:
    for message in context:
        if message.is_recalled:
            for seq, quotation in recalled_quotes(message.text):
                yield seq, passages_in(quotation)
