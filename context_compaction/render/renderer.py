"""From a view to the messages that a model is sent: built once a version, then extended as the log grows.

Tool calls and results are made valid for every provider on the way: results follow their calls without
a break, closed calls show a synthetic result behind them, and a quoted (late or orphan) result that came
in the middle of an open batch waits until the batch is over.
"""

from __future__ import annotations

from collections.abc import Mapping

from context_compaction.counting import TokenCounter
from context_compaction.counting.base import REQUEST_TOKENS
from context_compaction.messages import Message
from context_compaction.render.context_message import (
    RenderOptions,
    beginning_text,
    context_message,
    context_text,
)
from context_compaction.render.quoting import synthetic_result
from context_compaction.view import Edited, LogRecord, LogWindow, SummaryRecord, View


class Renderer:
    """The rendered form of one view version: ``messages``, their ``tokens``, and `push` for appends."""

    def __init__(
        self,
        view: View,
        log: LogWindow,
        summaries: Mapping[int, SummaryRecord],
        counter: TokenCounter,
        options: RenderOptions,
    ) -> None:
        self.messages: list[Message] = []
        self.seqs: list[int | None] = []
        """For each of ``messages`` its number in the log; None for what the log does not have."""
        self.tokens = REQUEST_TOKENS
        self.context: Message | None = None
        self._counter = counter
        self._expected: list[str] = []
        """Call ids whose live results are still to come."""
        self._closed: list[str] = []
        """Call ids that get a synthetic result once the expected ones are in."""
        self._deferred: list[tuple[Message, int]] = []
        self._in_head = True
        """Whether only messages of the system head came so far."""
        self._head_seq = 1
        """The number that the next message of the system head would have."""
        text = context_text(view, log, summaries, options)
        self._context_text = text
        for record, edit in view.shown(log):
            self.push(record, edit, log.synthetics.get(record.seq, ()), log.elsewhere)
        if text is not None and self._in_head:
            self._end_head(None)

    def push(
        self,
        record: LogRecord,
        edit: Edited | None = None,
        closed: tuple[str, ...] = (),
        elsewhere: frozenset[int] = frozenset(),
    ) -> None:
        """Show the next record.

        ``closed``: its calls that are known to stay unanswered. ``elsewhere``: as in `LogWindow`.
        """
        if record.message.role != "tool":
            self._close_batch()
        if self._in_head:
            self._head(record, elsewhere)
        if record.kind in ("late", "orphan") and self._expected:
            self._defer(record, edit)
            return
        self._show(record, edit)
        if record.kind == "call":
            self._open_batch(record.message, closed)
        elif record.kind == "live":
            self._answer(record.message)

    def _head(self, record: LogRecord, elsewhere: frozenset[int]) -> None:
        """Stay in the system head or leave it, placing the context message."""
        while self._head_seq in elsewhere:
            self._head_seq += 1
        if record.supersedes is not None:
            return  # a later number, which stands here in another's place
        if record.message.is_system and record.seq == self._head_seq:
            self._head_seq += 1
        else:
            self._end_head(record)

    def _end_head(self, first: LogRecord | None) -> None:
        self._in_head = False
        text = self._context_text
        if text is None and first is not None and first.shown.role != "user":
            text = beginning_text()
        if text is not None:
            self.context = context_message(text)
            self._emit(self.context, self._counter.message(self.context))

    def _open_batch(self, message: Message, closed: tuple[str, ...]) -> None:
        self._expected = [call.id for call in message.tool_calls]
        self._closed = list(closed)
        for call_id in closed:
            self._expected.remove(call_id)
        if not self._expected:
            self._flush()

    def _answer(self, message: Message) -> None:
        result = message.tool_result
        if result is not None and result.call_id in self._expected:
            self._expected.remove(result.call_id)
            if not self._expected:
                self._flush()

    def _close_batch(self) -> None:
        """A message that is no result came: what is still expected will not be answered in time."""
        if self._expected:
            self._closed += self._expected
            self._expected = []
            self._flush()

    def _flush(self) -> None:
        for call_id in self._closed:
            message = synthetic_result(call_id)
            self._emit(message, self._counter.message(message))
        self._closed = []
        self.messages += [message for message, _ in self._deferred]
        self.seqs += [seq for _, seq in self._deferred]
        self._deferred = []

    def _show(self, record: LogRecord, edit: Edited | None) -> None:
        self._emit(_shown(record, edit), edit.tokens if edit else record.tokens, record.seq)

    def _defer(self, record: LogRecord, edit: Edited | None) -> None:
        """Not shown yet, but counted: it will be there without anything being appended."""
        self._deferred.append((_shown(record, edit), record.seq))
        self.tokens += edit.tokens if edit else record.tokens

    def _emit(self, message: Message, tokens: int, seq: int | None = None) -> None:
        self.messages.append(message)
        self.seqs.append(seq)
        self.tokens += tokens


def _shown(record: LogRecord, edit: Edited | None) -> Message:
    return record.shown.with_blocks(edit.blocks) if edit else record.shown


class Meter:
    """Tokens of views as they would be rendered, without rendering their messages."""

    def __init__(self, log: LogWindow, counter: TokenCounter, options: RenderOptions) -> None:
        self._log = log
        self._counter = counter
        self._options = options
        self._texts: dict[str, int] = {}
        self._synthetic = {
            seq: sum(counter.message(synthetic_result(call_id)) for call_id in calls)
            for seq, calls in log.synthetics.items()
        }

    def __call__(self, view: View, summaries: Mapping[int, SummaryRecord]) -> int:
        """Tokens of the whole request, context message and synthetic results included."""
        shown = list(view.shown(self._log))
        first = next((record for record, _ in shown if not record.message.is_system), None)
        total = REQUEST_TOKENS + sum([edit.tokens if edit else record.tokens for record, edit in shown])
        if self._synthetic:
            total += sum(self._synthetic.get(record.seq, 0) for record, _ in shown)
        text = context_text(view, self._log, summaries, self._options)
        if text is None and first is not None and first.shown.role != "user":
            text = beginning_text()
        return total + (self._text_tokens(text) if text is not None else 0)

    def _text_tokens(self, text: str) -> int:
        if text not in self._texts:
            self._texts[text] = self._counter.message(context_message(text))
        return self._texts[text]
