"""`Lookup`: what a recall tool answers a model, whichever framework calls the tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from context_compaction.counting import TokenCounter
from context_compaction.errors import QueryError
from context_compaction.messages import Message, quotable
from context_compaction.recall import SearchHit
from context_compaction.session.pages import Pages
from context_compaction.session.session import Session

_NEAR = 32
"""So many messages before a result its call is looked for: those of other calls, made at the same time."""


@dataclass(frozen=True, slots=True)
class LookupAnswer:
    """One page of what was looked up."""

    text: str
    refs: tuple[str, ...]
    """What it is of; best first, for a search. Empty when nothing answers the query."""
    page: int
    pages: int


class Lookup:
    """Searches a session by words, or reads originals by reference, as text of at most a page.

    ``name``: of the tool, so that its own earlier answers are not found again. ``k``: how many messages a
    search gives. ``max_tokens``: of one page. Raises `ValueError` for a ``k`` or ``max_tokens`` under 1.
    """

    DESCRIPTION: ClassVar[str] = (
        "Look up what was said earlier in this conversation and is no longer shown in full. "
        "Give query (words to search for), or ref (a reference as the conversation shows it: m:57, m:3-m:9, "
        "s:2) to read the original messages whole; page for the next part of a long answer."
    )
    """For the model: what the tool is for and takes."""

    def __init__(
        self, *, name: str = "recall", k: int = 5, max_tokens: int = 2000, counter: TokenCounter | None = None
    ) -> None:
        if k < 1 or max_tokens < 1:
            raise ValueError(f"k is {k}, max_tokens is {max_tokens}; both must be 1 or more")
        self._name = name
        self._k = k
        self._pages = Pages(max_tokens, TokenCounter.of(counter))

    def answer(self, session: Session, query: str | None, ref: str | None, page: int = 1) -> LookupAnswer:
        """By reference, if there is one, else by words. Nothing found is an answer, too.

        Raises `QueryError` without either and for a page that is not there, `UnknownReference`,
        `ArchiveError`.
        """
        if ref:
            refs, texts = [ref], [_said(message) for message in session.expand(ref)]
        elif query:
            hits = self._hits(session, query)
            refs, texts = [hit.ref for hit in hits], [_hit(hit) for hit in hits]
        else:
            raise QueryError("give query, words to search for, or ref, such as m:57")
        if not texts:
            texts = [f"Nothing that was said holds {query!r}."]
        text, pages = self._pages.page("\n\n".join(texts), page)
        if not 1 <= page <= pages:
            raise QueryError(f"there is no page {page}; the last one is {pages}")
        return LookupAnswer(text, tuple(refs), page, pages)

    def _hits(self, session: Session, query: str) -> Sequence[SearchHit]:
        """Without what this tool itself found before."""
        found = session.recall(query, self._k * 2)
        return [hit for hit in found if not self._is_own(session, hit)][: self._k]

    def _is_own(self, session: Session, hit: SearchHit) -> bool:
        message = hit.message
        result = None if message is None else message.tool_result
        if message is None or result is None:
            return False
        name = message.name or result.name or _called(session, hit.ref, result.call_id)
        return name == self._name


def _called(session: Session, ref: str, call_id: str) -> str | None:
    """The tool that this result is of, by the latest call before it; not every framework names results."""
    seq = int(ref[2:])
    before = session.expand(f"m:{max(1, seq - _NEAR)}-{ref}")
    calls = [call for message in before for call in message.tool_calls if call.id == call_id]
    return calls[-1].name if calls else None


def _hit(hit: SearchHit) -> str:
    if hit.message is not None:
        return f"[{hit.ref}] {_said(hit.message)}"
    return f"[{hit.ref}] summary:\n{hit.summary.text if hit.summary else ''}"


def _said(message: Message) -> str:
    """Who said it, when, and what: calls with their arguments, results with the tool's name."""
    who = f"{message.role} {message.name}" if message.name else message.role
    when = f" ({message.timestamp})" if message.timestamp is not None else ""
    return "\n".join(part for part in (f"{who}{when}:", quotable(message)) if part)
