"""Lists that somebody else keeps, for `Session.sync`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from context_compaction import Session
from tests.session.talks import dicts, turns
from tests.windows import system

Dict = dict[str, Any]


def talk(count: int = 4, words: int = 6) -> list[Dict]:
    """A system prompt and so many turns."""
    return [system("be brief"), *turns(1, count, words)]


def named(messages: Sequence[Dict], prefix: str = "id") -> list[Dict]:
    """The same messages, each with an id."""
    return [{**message, "id": f"{prefix}-{number}"} for number, message in enumerate(messages)]


def stored(s: Session) -> int:
    """How many messages all branches of the session have in the archive; what they share counts once."""
    return sum(branch.last_seq - branch.fork_at for branch in s.branches())


def said(s: Session, branch: int | None = None) -> list[Dict]:
    """The history as it was appended."""
    return dicts(s.history(branch))


def active(s: Session) -> int:
    """The branch that the session is on."""
    return next(branch.id for branch in s.branches() if branch.active)
