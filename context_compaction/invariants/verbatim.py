"""Invariant 2: system messages and pins stay word for word."""

from __future__ import annotations

from context_compaction.invariants.base import Change
from context_compaction.render import context_text, escape


def verbatim(change: Change) -> str | None:
    """System messages are shown as they were said; pins too, or quoted in the context message."""
    whole = change.whole_after
    for record in change.shown_before:
        if record.message.is_system and record.seq not in whole:
            return f"system message m:{record.seq} left or was edited"
    missing = [pin for pin in change.after.pins if pin.seq not in whole]
    if missing:
        text = context_text(change.after, change.log, change.summaries, change.options) or ""
        for pin in missing:
            if escape(pin.text) not in text:
                return f"pin {pin.ref} is neither shown nor quoted word for word"
    return None
