"""`Lookup`: what a recall tool answers a model, whichever framework calls the tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from context_compaction.counting import TokenCounter
from context_compaction.errors import QueryError
from context_compaction.messages import Message, quotable
from context_compaction.recall import SearchHit
from context_compaction.session.arguments import Arguments
from context_compaction.session.pages import Pages
from context_compaction.session.scope import Scope, crosses
from context_compaction.session.session import Session

_NEAR = 32
"""So many messages before a result its call is looked for: those of other calls, made at the same time."""


@dataclass(frozen=True, slots=True)
class LookupAnswer:
    """One page of what was looked up."""

    text: str
    refs: tuple[str, ...]
    """What it is of; best first, for a search. Empty when nothing answers the query, and for an overview."""
    page: int
    pages: int


class Lookup:
    """Searches a session by words, or reads originals by reference, as text of at most a page.

    ``name``: of the tool, so that its own earlier answers are not found again. ``k``: how many messages a
    search gives. ``max_tokens``: of one page. ``scope="namespace"``: all sessions of the namespace, which no
    model can choose. Raises `ValueError` for a ``k`` or ``max_tokens`` under 1, `QueryError` for no scope.
    """

    DESCRIPTION: ClassVar[str] = (
        "Look up what was said earlier in this conversation and is no longer shown in full. "
        "Give query (words to search for), or ref (a reference as the conversation shows it: m:57, m:3-m:9, "
        "s:2) to read the original messages whole; page for the next part of a long answer."
    )
    """For the model: what the tool is for and takes."""
    OVER_SESSIONS: ClassVar[str] = (
        "Look up what was said earlier, in this conversation and in others. Give query (words to search "
        "for), or ref (a reference as it is shown: m:57, m:3-m:9, s:2, of another conversation "
        "m:57@conversation) to read the original messages whole; page for the next part of a long answer."
    )
    """The same for all sessions of a namespace."""
    ARGUMENTS: ClassVar[dict[str, str]] = {
        "query": "Words to search for",
        "ref": "m:57, m:3-m:9 or s:2",
        "after": "Search only from this day on, or after this message: 2026-03-01, m:57",
        "before": "Search only before this day or message",
        "overview": "An outline of all that was said instead",
        "page": "Which part of a long answer",
    }
    """For the model: what it may give, each described in a few words, as they are sent with every call."""

    def __init__(
        self,
        *,
        name: str = "recall",
        k: int = 5,
        max_tokens: int = 2000,
        counter: TokenCounter | None = None,
        scope: Scope = "session",
    ) -> None:
        if k < 1 or max_tokens < 1:
            raise ValueError(f"k is {k}, max_tokens is {max_tokens}; both must be 1 or more")
        self.description = self.OVER_SESSIONS if crosses(scope) else self.DESCRIPTION
        """What suits its scope."""
        self._name = name
        self._k = k
        self._pages = Pages(max_tokens, TokenCounter.of(counter))
        self._scope: Scope = scope

    def answer(
        self, session: Session, query: Any = None, ref: Any = None, page: Any = 1, **others: Any
    ) -> LookupAnswer:
        """By an overview or a reference, if one is asked for, else by words. Nothing found is an answer, too.

        Takes `ARGUMENTS` as a model gives them, and leaves out what it does not know. Raises `QueryError`, a
        sentence that says what to give, for what cannot be meant and for a page that is not there,
        `UnknownReference`, `ArchiveError`.
        """
        asked = Arguments.of(query=query, ref=ref, page=page, **others)
        refs, texts = self._found(session, asked)
        text, pages = self._pages.page("\n\n".join(texts), asked.page)
        if asked.page > pages:
            raise QueryError(f"there is no page {asked.page}; the last one is {pages}")
        return LookupAnswer(text, tuple(refs), asked.page, pages)

    def _found(self, session: Session, asked: Arguments) -> tuple[list[str], list[str]]:
        """What is answered, and the references of what it is of."""
        if asked.overview:
            return [], [str(session.describe())]
        if asked.ref is not None:
            return [asked.ref], [_said(message) for message in session.expand(asked.ref, scope=self._scope)]
        if asked.query is None:
            raise QueryError("give query, words to search for, or ref, such as m:57")
        hits = self._hits(session, asked.query, asked)
        if not hits:
            return [], [f"Nothing that was said{asked.bounds} holds {asked.query!r}."]
        return [hit.ref for hit in hits], [_hit(hit) for hit in hits]

    def _hits(self, session: Session, query: str, asked: Arguments) -> Sequence[SearchHit]:
        """Without what this tool itself found before."""
        found = session.recall(query, self._k * 2, after=asked.after, before=asked.before, scope=self._scope)
        return [hit for hit in found if not self._is_own(session, hit)][: self._k]

    def _is_own(self, session: Session, hit: SearchHit) -> bool:
        message = hit.message
        result = None if message is None else message.tool_result
        if message is None or result is None:
            return False
        name = message.name or result.name or self._called(session, hit.ref, result.call_id)
        return name == self._name

    def _called(self, session: Session, ref: str, call_id: str) -> str | None:
        """The tool that this result is of, by the latest call before it: not all frameworks name results."""
        local, mark, owner = ref.partition("@")
        seq = int(local[2:])
        before = session.expand(f"m:{max(1, seq - _NEAR)}-m:{seq}{mark}{owner}", scope=self._scope)
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
