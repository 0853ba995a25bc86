"""A request as prompts for a language model: instructions, and the range as quoted data.

The instructions are text files beside this one; a change of wording is a new version. A model is asked for
the whole summary at once (`prompt_of`), or for each section by itself over the same quoted range
(`section_prompts`): what differs between those stands at their end, so that they share all before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from context_compaction.drafting.markers import quoted
from context_compaction.drafting.transcript import header_of

if TYPE_CHECKING:
    from context_compaction.drafting.base import DraftRequest

CONTEXT_NOTE = "For understanding only, not to be repeated:"
FOCUS_NOTE = "Above all keep what concerns this:"
WRITE_NOW = "Now write the summary."


@dataclass(frozen=True, slots=True)
class Instructions:
    """What a model is told, in whatever language. ``{sections}`` and ``{max_tokens}`` are filled in.

    ``summary`` and ``distill`` ask for all sections at once, ``section`` for one at a time, named by ``ask``
    with ``{title}`` and ``{guidance}``; a model that finds nothing for it writes ``nothing``.
    """

    summary: str
    distill: str
    section: str
    ask: str
    nothing: str = "none"

    @staticmethod
    def default() -> Instructions:
        """The English ones that ship, at their newest version."""
        return _shipped()


class Prompt(NamedTuple):
    """What a model is asked."""

    system: str
    """Instructions."""
    user: str
    """The quoted range, earlier summaries before it."""


class SectionPrompts(NamedTuple):
    """One prompt a section, alike but for their last line."""

    system: str
    user: str
    """The quoted range, as in `Prompt`."""
    asks: tuple[str, ...]
    """The last line of each prompt, in the order of the request's sections."""


def prompt_of(request: DraftRequest, instructions: Instructions | None = None) -> Prompt:
    """The same request gives the same prompt. No text of the conversation can end its quotation."""
    told = instructions or Instructions.default()
    sections = "\n".join(f"## {section.title}: {section.guidance}" for section in request.sections)
    wording = told.distill if request.kind == "distill" else told.summary
    system = wording.format(sections=sections, max_tokens=request.max_tokens)
    return Prompt(system, "\n".join([*_quoted_range(request), WRITE_NOW]))


def section_prompts(request: DraftRequest, instructions: Instructions | None = None) -> SectionPrompts:
    """The request section by section. Raises nothing; deterministic like `prompt_of`."""
    told = instructions or Instructions.default()
    asks = (told.ask.format(title=section.title, guidance=section.guidance) for section in request.sections)
    return SectionPrompts(told.section, "\n".join(_quoted_range(request)), tuple(asks))


def _quoted_range(request: DraftRequest) -> list[str]:
    messages = [
        f"<message {quoted(header_of(each))}>\n{quoted(each.text)}\n</message>" for each in request.passages
    ]
    parts = [f"<earlier_summary>\n{quoted(text)}\n</earlier_summary>" for text in request.context]
    if parts:
        parts.insert(0, CONTEXT_NOTE)
    parts += ["<transcript>", *messages, "</transcript>"]
    if request.focus:
        parts.append(f"{FOCUS_NOTE} {quoted(' '.join(request.focus.split()))}")
    return parts


@cache
def _shipped() -> Instructions:
    folder = files("context_compaction.drafting") / "prompts"
    names = ("summary_v1", "distill_v1", "section_v1", "ask_v1")
    return Instructions(*((folder / f"{name}.txt").read_text("utf-8").strip() for name in names))
