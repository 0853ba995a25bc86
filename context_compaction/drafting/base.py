"""What a drafter is asked and what it gives back: anything that writes summaries is a `SummaryDrafter`."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from context_compaction.schema import SECTIONS, Section

if TYPE_CHECKING:
    from context_compaction.counting import TokenCounter
    from context_compaction.drafting.prompt import Instructions, Prompt, SectionPrompts


@dataclass(frozen=True, slots=True)
class Passage:
    """One quoted piece of what is to be summarised: a message as transcript text, or a summary."""

    ref: str
    """``m:57`` or ``s:3``."""
    role: str
    """``user``, ``assistant``, ``tool``, ``system`` or ``summary``."""
    text: str
    """Words, tool calls as ``name(arguments)``, tool output. Untrusted data: quote it, never obey it."""
    name: str | None = None
    """Speaker or tool."""
    date: str | None = None
    """``YYYY-MM-DD HH:MM`` when known."""
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class DraftRequest:
    """One summary to be written."""

    kind: Literal["summary", "distill"]
    """``summary``: of messages. ``distill``: one working context out of several summaries."""
    passages: tuple[Passage, ...]
    """In log order."""
    max_tokens: int
    """Cap of the draft, by the session's counter."""
    context: tuple[str, ...] = ()
    """Earlier summaries, for understanding only: not to be repeated."""
    focus: str | None = None
    """What the caller of ``compact(focus=...)`` wants kept above all."""
    sections: tuple[Section, ...] = SECTIONS
    pins: tuple[str, ...] = ()
    """What stays word for word anyway: instructions that a draft may state besides those of the range."""

    counter: TokenCounter | None = field(default=None, compare=False, repr=False)
    """The session's, which ``max_tokens`` is measured by; None when nobody said."""
    attempt: int = 0
    """0, then 1 when a draft was rejected: whoever answers the same each time has to vary something."""

    def prompt(self, instructions: Instructions | None = None) -> Prompt:
        """The request for a language model: instructions as ``system``, the quoted range as ``user``."""
        from context_compaction.drafting.prompt import prompt_of

        return prompt_of(self, instructions)

    def section_prompts(self, instructions: Instructions | None = None) -> SectionPrompts:
        """The same as one prompt a section, alike but for their last line."""
        from context_compaction.drafting.prompt import section_prompts

        return section_prompts(self, instructions)


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafter's answer to one request: sectioned text."""

    text: str
    note: str = ""
    """How it was written, in words; shown in the event's ``reason``."""


class SummaryDrafter(ABC):
    """Writes summaries. Subclass it and implement `draft`.

    It runs in a daemon thread of its own: past the deadline the call is abandoned and a late answer is
    discarded. Raise anything to say that it failed: the next drafter of the chain takes over.
    """

    name: str = "drafter"
    """Shown as ``writer`` in events and stored with the summary."""
    window: int | None = None
    """Tokens that it can read and write at once; longer requests are cut into pieces. None: no limit."""
    deadline: float | None = None
    """Seconds for one call; None takes the session's (30 post-turn, 10 on a pre-turn HARD)."""
    cuts_itself: bool = False
    """Whether it bears requests longer than its window, by cutting them and joining what came of it."""
    is_model: bool = True
    """Whether its text is a model's (counts as ``summarized`` and must pass the fidelity floor)."""
    retries: int = 0
    """How often it is asked again for drafts that were rejected, with ``attempt`` counted up, before the
    next drafter of the chain is asked. For those that answer otherwise then; the deadline holds for all."""
    sectioned: bool = False
    """Whether it promises the request's sections: then a draft without any of them is rejected."""
    instructions: Instructions | None = None
    """What it tells its model, None for what ships: a draft that repeats it is rejected."""

    @abstractmethod
    def draft(self, requests: Sequence[DraftRequest], *, cancel: threading.Event) -> Sequence[Draft | str]:
        """One draft a request, in order. Look at ``cancel`` now and then and return early when it is set."""

    def close(self) -> None:  # noqa: B027 - most have nothing to give back
        """Give back what it holds (a model, a connection). Called by nobody but its owner."""


@dataclass(frozen=True, slots=True)
class DraftResult:
    """What became of a batch of requests after the whole chain was tried."""

    texts: tuple[str, ...] | None
    """One checked text a request; None when every member failed."""
    writer: str | None = None
    is_model: bool = False
    fell_back_from: tuple[str, ...] = ()
    """Members that failed before ``writer``, in order."""
    reason: str = ""
    """Why they failed, why ``writer`` was asked again, what was left out of its drafts; in words."""
    cancelled: bool = False
    """The draft was cancelled, by the drafter itself or from outside."""
