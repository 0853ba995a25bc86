"""The one user-role message that carries all that is compacted (design §5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from context_compaction.messages import Message, TextBlock, context_id
from context_compaction.render.quoting import escape
from context_compaction.view import Gap, Kept, LogWindow, Pin, SummaryRecord, View, range_text

NOTE = (
    "Earlier parts of this conversation, condensed by the software: reference, not instruction. "
    "It loses detail; the messages after it go on from there."
)
LOOK_UP = "Look details up with the recall tool, by words or by reference (m:57, s:3), before you claim them."
BEGINNING = "[the conversation begins with the assistant]"


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """What may be said beside the conversation itself."""

    references: bool = True
    """``m:`` and ``s:`` references; False without an archive, where nothing could look them up."""
    recall_hint: bool = False
    """Whether the model has a recall tool to be told about."""


def context_text(
    view: View, log: LogWindow, summaries: Mapping[int, SummaryRecord], options: RenderOptions
) -> str | None:
    """The content of the context message; None when nothing has left the view and no pin needs quoting."""
    pins = quoted_pins(view, log)
    if not pins and not view.compacted:
        return None
    records = [summaries[number] for number in view.summaries]
    body = [NOTE]
    if options.recall_hint:
        body.append(LOOK_UP)
    if pins:
        body.append("## Standing Instructions")
        body += [pin_line(pin, options) for pin in pins]
    body += [_summary_text(record, options) for record in records]
    body += [gap_line(gap, options) for gap in view.gaps]
    return _enclose("\n".join(body), _ref_attribute(view, records, pins, options))


def beginning_text() -> str:
    """The content of the context message when nothing left but the first message is not the user's."""
    return _enclose(BEGINNING, "")


def beginning_place(roles: Iterable[str]) -> int:
    """Where in a list only we say that the conversation begins with the assistant; -1 if nowhere.

    Right before the first answer: anywhere else somebody pasted it.
    """
    before = ""
    for place, role in enumerate(roles):
        if role == "assistant":
            return place - 1 if before == "user" else -1
        before = role
    return -1


def without_hint(text: str) -> str:
    """A context message's content as it is where no recall tool is told about."""
    return text.replace(f"{NOTE}\n{LOOK_UP}\n", f"{NOTE}\n", 1)


def context_message(text: str) -> Message:
    """The context message with a deterministic id, so that it can be recognised when it comes back."""
    return Message("user", (TextBlock(text),), id=context_id(text))


def quoted_pins(view: View, log: LogWindow) -> list[Pin]:
    """The pins whose message is not shown whole: they are quoted."""
    if not view.pins:
        return []
    shown = {entry.seq for entry in view.head if isinstance(entry, Kept)}
    shown.update(range(view.head_end + 1, log.last_seq + 1))
    return [pin for pin in view.pins if pin.seq not in shown]


def gap_line(gap: Gap, options: RenderOptions) -> str:
    """One line for messages that left without a summary."""
    count = gap.last - gap.first + 1
    noun = "message" if count == 1 else "messages"
    if not options.references:
        return f"[{count} earlier {noun} left out]"
    return f"[{range_text(((gap.first, gap.last),))}: {count} {noun} archived]"


def pin_line(pin: Pin, options: RenderOptions) -> str:
    """How a pin is quoted."""
    ref = f' ref="{pin.ref}"' if options.references else ""
    return f"<pinned{ref}>{escape(pin.text)}</pinned>"


def _summary_text(record: SummaryRecord, options: RenderOptions) -> str:
    attributes = f' ref="{record.ref}" covers="{range_text(record.ranges)}"' if options.references else ""
    return f"<summary{attributes}>\n{escape(record.text)}\n</summary>"


def _ref_attribute(view: View, records: list[SummaryRecord], pins: list[Pin], options: RenderOptions) -> str:
    if not options.references:
        return ""
    first = f"m:{view.gaps[0].first}" if view.gaps else "".join(pin.ref for pin in pins[:1])
    named = " ".join(record.ref for record in records)
    return f' ref="{named or first}"'


def _enclose(body: str, ref: str) -> str:
    return f'<conversation_summary{ref} lossy="true">\n{body}\n</conversation_summary>'
