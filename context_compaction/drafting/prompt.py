"""A request as a prompt for a language model: instructions, and the range as quoted data.

The instructions are text files beside this one; a change of wording is a new version.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from context_compaction.drafting.transcript import header_of

if TYPE_CHECKING:
    from context_compaction.drafting.base import DraftRequest

VERSIONS = {"summary": "summary_v1", "distill": "distill_v1"}
"""The instructions in use, by the kind of request."""
_MARKER = re.compile(r"<(?=\s*/?\s*(?:transcript|earlier_summary|message)\b)", re.IGNORECASE)


class Prompt(NamedTuple):
    """What a model is asked."""

    system: str
    """Instructions."""
    user: str
    """The quoted range, earlier summaries before it."""


def prompt_of(request: DraftRequest) -> Prompt:
    """The same request gives the same prompt. No text of the conversation can end its quotation."""
    sections = "\n".join(f"## {section.title}: {section.guidance}" for section in request.sections)
    system = _instructions(VERSIONS[request.kind]).format(sections=sections, max_tokens=request.max_tokens)
    quoted = [
        f"<message {_quoted(header_of(each))}>\n{_quoted(each.text)}\n</message>" for each in request.passages
    ]
    parts = [f"<earlier_summary>\n{_quoted(text)}\n</earlier_summary>" for text in request.context]
    if parts:
        parts.insert(0, "For understanding only, not to be repeated:")
    parts += ["<transcript>", *quoted, "</transcript>"]
    if request.focus:
        parts.append(f"Above all keep what concerns this: {_quoted(request.focus)}")
    parts.append("Now write the summary.")
    return Prompt(system, "\n".join(parts))


def _quoted(text: str) -> str:
    return _MARKER.sub("&lt;", text)


@cache
def _instructions(name: str) -> str:
    return (files("context_compaction.drafting") / "prompts" / f"{name}.txt").read_text("utf-8")
