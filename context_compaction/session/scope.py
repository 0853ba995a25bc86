"""What is searched: the session itself, or all sessions of its namespace, which only who asks can choose."""

from __future__ import annotations

from typing import Literal, get_args

from context_compaction.archive import Archive
from context_compaction.errors import QueryError, UnknownReference

Scope = Literal["session", "namespace"]
"""``session``: what is asked itself. ``namespace``: every session of its namespace, each on its branch."""


def crosses(scope: str) -> bool:
    """Whether other sessions are asked for, too. Raises `QueryError` for what is no scope."""
    if scope not in get_args(Scope):
        raise QueryError(f"scope is {str(scope)[:80]!r}; use 'session' or 'namespace'")
    return scope == "namespace"


def located(archive: Archive, namespace: str, ref: str) -> tuple[int, str]:
    """The branch that ``m:57@session`` is of, and the reference without the session.

    Raises `UnknownReference`.
    """
    local, mark, session_id = str(ref).partition("@")
    if not mark:
        raise UnknownReference(str(ref)[:80], "name the session, too, as a search shows it: m:57@session")
    branch = archive.active(namespace, session_id)
    if branch is None:
        raise UnknownReference(str(ref)[:80], "this namespace has no such session")
    return branch, local
