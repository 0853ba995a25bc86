"""Whether a draft holds its own prompt: instructions, delimiters, marks of a chat template."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from context_compaction.drafting.markers import CHAT_MARKER
from context_compaction.drafting.prompt import CONTEXT_NOTE, FOCUS_NOTE, WRITE_NOW, Instructions
from context_compaction.schema import Section
from context_compaction.text.facts import normalised

LEAST_CHARS, TELLING_CHARS = 16, 28
"""What is shorter could be said by anybody; up to the second number, unless a line begins with it."""

_DELIMITER = re.compile(r"</?(?:transcript|earlier_summary)>|<message m:\d|</message>", re.IGNORECASE)


def leaked(
    text: str, instructions: Instructions, sections: Iterable[Section], sources: Iterable[str]
) -> str | None:
    """The first piece of its prompt that the draft holds, None if there is none.

    What stands in the sources is reported, not leaked: a conversation may be about prompts.
    """
    said = list(sources)
    for pattern in (CHAT_MARKER, _DELIMITER):
        for mark in dict.fromkeys(found.group() for found in pattern.finditer(text)):
            if not any(mark in source for source in said):
                return mark
    whole = normalised(text)
    begin = [normalised(line) for line in text.splitlines()]
    for piece in _told(instructions, sections):
        there = piece in whole and (
            len(piece) >= TELLING_CHARS or any(line.startswith(piece) for line in begin)
        )
        if there and not any(piece in normalised(source) for source in said):
            return piece
    return None


def _told(instructions: Instructions, sections: Iterable[Section]) -> Iterator[str]:
    """What a prompt says besides the range, piece by piece, folded."""
    wordings = (instructions.summary, instructions.distill, instructions.section)
    lines = [line for wording in wordings for line in wording.splitlines()]
    lines += [CONTEXT_NOTE, FOCUS_NOTE, WRITE_NOW, instructions.ask.partition("{")[0]]
    lines += [f"{section.title}: {section.guidance}" for section in sections if section.guidance]
    for line in lines:
        for piece in re.split(r"\{\w+\}|(?<=[.:]) ", line.removeprefix("- ")):
            folded = normalised(piece)
            if len(folded) >= LEAST_CHARS:
                yield folded
