"""Invariant 5: the same log and view give the same bytes. No clock, no random value in a view."""

from __future__ import annotations

import json

from context_compaction.invariants.base import Change
from context_compaction.render import Renderer


def rendered_bytes(change: Change) -> bytes:
    """The proposed view as it would be sent."""
    renderer = Renderer(change.after, change.log, change.summaries, change.counter, change.options)
    return json.dumps([message.to_openai() for message in renderer.messages]).encode()


def reproducible(change: Change) -> str | None:
    """Rendering the proposed view twice gives the same bytes."""
    return None if rendered_bytes(change) == rendered_bytes(change) else "the same view rendered differently"
