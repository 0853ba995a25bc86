"""What stands where a message was pruned: a line that says what is gone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from context_compaction.archive.records import StoredMessage
from context_compaction.messages import Message, MessageList
from context_compaction.view import range_text

FORMAT = "tombstone"
"""`Message.format` of the line, by which code can tell it from what was said."""


def tombstone(first: int, last: int, tokens: int, pruned_at: float | None) -> Message:
    """One system message for the pruned messages ``first`` to ``last``."""
    day = f" on {datetime.fromtimestamp(pruned_at, UTC):%Y-%m-%d}" if pruned_at is not None else ""
    place, count = range_text(((first, last),)), last - first + 1
    noun, verb = ("message", "was") if count == 1 else ("messages", "were")
    text = f"[{place}: {count} {noun} ({tokens:,} tokens) {verb} pruned{day}; the text is gone]"
    return Message("system", text, format=FORMAT)


def readable(rows: Iterable[StoredMessage]) -> MessageList:
    """The messages of rows in log order, one line for each run of pruned ones."""
    out = MessageList()
    run: list[StoredMessage] = []
    for row in rows:
        if run and not (row.pruned and row.seq == run[-1].seq + 1):
            out.append(_line(run))
            run = []
        if row.pruned:
            run.append(row)
        else:
            out.append(row.message)
    if run:
        out.append(_line(run))
    return out


def _line(run: list[StoredMessage]) -> Message:
    """A run's own lines joined: the day is that of its last one."""
    if len(run) == 1:
        return run[0].message
    day = run[-1].pruned_at
    return tombstone(run[0].seq, run[-1].seq, sum(row.tokens for row in run), day)
