"""From plain dicts to a log window, and the views and changes that invariants look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from context_compaction.counting import CallableCounter, TokenCounter
from context_compaction.invariants import Change
from context_compaction.messages import Message
from context_compaction.render import Meter, Renderer, RenderOptions
from context_compaction.render.recording import log_window
from context_compaction.view import Entry, LogWindow, Pin, SummaryRecord, View

WORDS: TokenCounter = CallableCounter(lambda text: len(text.split()))
"""A counter that a reader can follow: one token a word."""
OPTIONS = RenderOptions()


def window_of(messages: Sequence[dict[str, Any]], counter: TokenCounter = WORDS) -> LogWindow:
    """The log that appending these messages gives."""
    return log_window([Message.from_openai(data) for data in messages], counter, references=True)


def view_of(log: LogWindow, entries: Iterable[Entry], pins: tuple[Pin, ...] = ()) -> View:
    """Version 1 of a settled view with these entries, in canonical order."""
    return View(version=1, head_end=log.last_seq, pins=pins).rebuilt(entries)


def rendered(
    log: LogWindow, view: View | None = None, summaries: Iterable[SummaryRecord] = ()
) -> list[dict[str, Any]]:
    """What a model is sent, as dicts."""
    known = {record.id: record for record in summaries}
    return [m.to_openai() for m in Renderer(view or View(), log, known, WORDS, OPTIONS).messages]


def change_of(
    log: LogWindow,
    after: View,
    summaries: Iterable[SummaryRecord] = (),
    *,
    before: View | None = None,
    hard: bool = False,
    input_tokens: int = 1000,
    tokens_after: int | None = None,
) -> Change:
    """The change from the whole log, or from ``before``, to ``after``."""
    known = {record.id: record for record in summaries}
    before = (before or View()).settled(log)
    meter = Meter(log, WORDS, OPTIONS)
    return Change(
        before=before,
        after=after,
        log=log,
        summaries=known,
        tokens_before=meter(before, known),
        tokens_after=meter(after, known) if tokens_after is None else tokens_after,
        input_tokens=input_tokens,
        hard=hard,
        counter=WORDS,
        options=OPTIONS,
    )


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def system(text: str) -> dict[str, Any]:
    return {"role": "system", "content": text}


def asks(*ids: str) -> dict[str, Any]:
    calls = [{"id": i, "type": "function", "function": {"name": "read_file", "arguments": "{}"}} for i in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def answers(call_id: str, text: str = "done") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": text}
