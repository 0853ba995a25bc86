"""`SyncResult`: what it took to make the log equal to a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What `Session.sync` did."""

    kind: Literal["unchanged", "grown", "forked", "switched"]
    """grown: messages were added. forked: the list left the log, which goes on as a new branch.
    switched: another branch of the session has this list, and goes on."""
    appended: int
    """New messages, replaced system messages not counted."""
    superseded: int
    """System messages of the head that were replaced or joined it."""
    branch: int
    """The branch that the session is on now."""
    forked_at: int | None = None
    """The last message that both branches share; 0 for none."""
