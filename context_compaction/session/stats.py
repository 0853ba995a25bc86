"""`SessionStats`: the numbers of a session at a glance."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionStats:
    """All in tokens unless it says otherwise."""

    messages_said: int
    """Messages in the log."""
    tokens_said: int
    """Of the whole log."""
    messages_seen: int
    """Messages in the present context."""
    tokens_seen: int
    """Of the present context, by the larger of raw and calibrated count."""
    input_tokens: int
    """What a context may hold."""
    tokens_saved: int
    """Sum over all committed compactions."""
    compactions: int
    """Committed ones."""
    summaries: int
    """Summaries in the present view."""
    version: int
    """Of the view."""
    counter: str
    """Name of what counts."""
    unembedded: int | None = None
    """Messages and summaries that still wait for a vector; None without an embedder."""
    embedder_trouble: str = ""
    """Why the embedder failed when it was last asked; empty while all is well."""
