"""Rows for archives under test: messages placed in a log as a session would place them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from context_compaction.archive import AppendBatch, Archive, Commit, StoredMessage
from context_compaction.events import CompactionEvent, FactCount, Outcome, RungReport
from context_compaction.groups import Call, Kind, Pairing
from context_compaction.messages import (
    MediaBlock,
    Message,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
    ToolResultBlock,
)
from context_compaction.text.features import features_of
from context_compaction.view import Gap, Kept, Range, SummaryRecord, View
from context_compaction.view.entries import Edited, Pin, Summary

PICTURE = base64.b64encode(bytes(range(256)) * 40).decode()


@dataclass(slots=True)
class Writer:
    """A session's log in one archive, as far as appending goes."""

    archive: Archive
    branch: int
    last_seq: int = 0
    pairing: Pairing = field(default_factory=Pairing)

    @classmethod
    def of(cls, archive: Archive, session_id: str = "s", namespace: str = "default") -> Writer:
        """A writer for a session that is new or has no calls under way."""
        state = archive.open_session(namespace, session_id)
        return cls(archive, state.branch, state.last_seq, Pairing.restore(state.unanswered, state.open_calls))

    def batch(self, messages: Iterable[Message]) -> AppendBatch:
        """The batch that `append` would write; the writer goes on behind it."""
        after, rows, opened, closed = self.last_seq, list[StoredMessage](), list[Call](), list[Call]()
        answered: list[tuple[Call, int]] = []
        for seq, message in enumerate(messages, after + 1):
            placed = self.pairing.place(seq, message)
            rows.append(row(seq, message, group=placed.group, kind=placed.kind))
            opened += placed.opened
            closed += placed.closed
            if placed.answers is not None:
                answered.append((placed.answers, seq))
            self.last_seq = seq
        return AppendBatch(after, tuple(rows), tuple(opened), tuple(closed), tuple(answered))

    def append(self, *messages: Message) -> AppendBatch:
        """Place and store messages."""
        batch = self.batch(messages)
        self.archive.append(self.branch, batch)
        return batch

    def say(self, *texts: str) -> AppendBatch:
        """Store user messages of these texts."""
        return self.append(*(Message("user", (TextBlock(text),)) for text in texts))


def row(seq: int, message: Message, *, group: int | None = None, kind: Kind = "plain") -> StoredMessage:
    """One row of a log, counted by a made-up counter."""
    tokens = 7 + len(message.text)
    features = features_of(message)
    place = seq if group is None else group
    return StoredMessage(seq, message, place, kind, tokens, "made-up", features)


def calling(*ids: str) -> Message:
    """An assistant message with a tool call of each id."""
    return Message("assistant", tuple(ToolCallBlock(name, "tool", "{}") for name in ids))


def answer(call_id: str, text: str = "result") -> Message:
    """The result of a call."""
    return Message("tool", (ToolResultBlock(call_id, text),))


def nasty_messages() -> list[Message]:
    """Messages that storage gets wrong first: all kinds of blocks, escapes, equal media, foreign raw."""
    image = MediaBlock("image", data=PICTURE, mime="image/png", detail="low")
    marker = "\x01" + "0" * 64 + "\x02"
    url = f"data:image/png;base64,{PICTURE}"
    openai = {
        "role": "user",
        "content": [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": ""}],
    }
    raw = json.dumps({"lc": 1, "content": [{"data": PICTURE}], "big": 2**70, "none": None, "empty": []})
    calls = (ToolCallBlock("c1", "read", '{"path": "a.py"}'), ToolCallBlock("c\ud800\0", "read", "{broken"))
    return [
        Message("system", (TextBlock("Be kind."),)),
        Message(
            "user", (TextBlock("nul \0, lone \udfff\ud800, \u2028, emoji \U0001f600, 'quotes\" \\u0000"),)
        ),
        Message("user", (TextBlock(f"a marker of ours: {marker}"),), id="i\ud800'\"\0\u00e9"),
        Message("user", (TextBlock("look"), image, image), id="media", name="Ann", timestamp="2023-05-08"),
        Message("user", (image,), raw=json.dumps(json.loads(raw), separators=(",", ":")), format="other"),
        Message.from_openai(openai | {"id": "o1", "x": {"deep": [1, 2.5, None, ""]}, "timestamp": 1e9}),
        Message("assistant", (ReasoningBlock("hm", "sig"), TextBlock(""), *calls), timestamp=1_700_000_000),
        Message("tool", (ToolResultBlock("c1", "", "read", is_error=True), image)),
        Message("user", (TextBlock("never mind"),)),
        Message("tool", (ToolResultBlock("c\ud800\0", "late"),)),
        Message("tool", (ToolResultBlock("nobody", "orphan"),)),
        Message("developer", (TextBlock("x" * 100_000),)),
        Message("user", (MediaBlock("file", data="not base64!" * 300), MediaBlock("audio", data="QUJD"))),
    ]


def event(
    outcome: Outcome = "reduced", *, at_seq: int = 0, version: int = 0, committed: bool = False
) -> CompactionEvent:
    """A report with every field filled."""
    return CompactionEvent(
        "post_turn",
        "soft",
        outcome,
        tokens_before=900,
        tokens_after=300,
        writer="extractive",
        fell_back_from=("model",),
        reason="because \ud800",
        rungs=(RungReport("Summarize", 900, 300, "note"),),
        fidelity=0.75,
        facts=FactCount(kept=6, recallable=2, lost=0),
        committed=committed,
        version=version,
        at_seq=at_seq,
        removed=3,
        edited=1,
        ms=1.5,
        items=(("system", 12),),
    )


def commit(base: int, *summaries: SummaryRecord, at_seq: int = 6, pins: Sequence[Pin] = ()) -> Commit:
    """A compaction from version ``base`` with every kind of entry in its view."""
    head = (
        Kept(1),
        Edited(2, (TextBlock("shorter \0\ud800"),), "cleared", 9),
        *(Summary(summary.id) for summary in summaries),
        Gap(5, at_seq),
    )
    view = View(base + 1, at_seq, head, tuple(pins))
    report = event("summarized", at_seq=at_seq, version=base + 1, committed=True)
    return Commit(base, view, summaries, report, {"armed": False, "ratio": 1.25, "note": "\ud800"})


def summary(
    number: int,
    text: str = "They spoke of \0 lone \ud800 things.",
    *,
    generation: int = 0,
    ranges: tuple[Range, ...] = ((3, 4),),
    sources: tuple[int, ...] = (),
) -> SummaryRecord:
    """A summary with every field filled."""
    return SummaryRecord(number, text, 11, generation, ranges, sources, writer="model", fidelity=0.5)
