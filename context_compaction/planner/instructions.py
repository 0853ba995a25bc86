"""The pins of the next view: those that were set, then the standing instructions that pin themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from context_compaction.counting import TokenCounter
from context_compaction.messages import Message
from context_compaction.planner.task import Task
from context_compaction.policy import StandingInstructions
from context_compaction.render import RenderOptions
from context_compaction.render.context_message import pin_line
from context_compaction.text.standing import standing
from context_compaction.view import Pin

Told = tuple[int, Message, tuple[str, ...]]
"""A message with its number and its sentences about how it is to be."""


def next_pins(task: Task, head_end: int | None = None) -> tuple[Pin, ...]:
    """For a view that ends with message ``head_end`` (the log's last): pins that were set, then heard ones.

    Heard are the view's own and what was said since; as many of those that hold as there is room for.
    """
    terms = task.instructions
    if terms is None:
        return task.pins
    last = task.log.last_seq if head_end is None else head_end
    rows = [row for row in task.log.records.values() if row.instructions and row.supersedes is None]
    rows.sort(key=lambda row: row.seq)
    fresh = [(row.seq, row.message, row.instructions) for row in rows if task.heard_to < row.seq <= last]
    holding = hear(heard_pins(task.view.pins), fresh, terms)
    free = [pin for pin in holding if pin.seq not in task.let_go and not _quoted_by(pin, task.pins)]
    room = terms.room(task.budget.input_tokens)
    return (*task.pins, *_latest(free, terms.most, room, task.counter, task.options))


def heard_pins(pins: Iterable[Pin]) -> list[Pin]:
    """Those that pinned themselves."""
    return [pin for pin in pins if pin.heard]


def hear(known: Sequence[Pin], told: Iterable[Told], terms: StandingInstructions) -> list[Pin]:
    """The standing instructions that hold once these messages, too, were said; in the order they were said.

    A system message stays as it is in every view: it can end an earlier instruction, and is quoted nowhere.
    """
    said: list[tuple[str, Pin | None]] = [(pin.text, pin) for pin in known]
    for seq, message, sentences in told:
        by_user = message.role == "user"
        said += [(text, Pin(f"m:{seq}", text, heard=True) if by_user else None) for text in sentences]
    return [pin for _, pin in standing(said, terms.cues) if pin is not None]


def _quoted_by(pin: Pin, explicit: Iterable[Pin]) -> bool:
    """Whether somebody pinned the sentence himself, or all of its message."""
    return any(other.ref == pin.ref and pin.text in other.text for other in explicit)


def _latest(
    pins: Sequence[Pin], most: int, room: int, counter: TokenCounter, options: RenderOptions
) -> list[Pin]:
    """The latest that fit together; one that would not fit alone keeps no other from its place."""
    kept: list[Pin] = []
    left = room
    for pin in reversed(pins):
        cost = counter.text(pin_line(pin, options))
        if cost > room:
            continue
        if len(kept) == most or cost > left:
            break
        kept.append(pin)
        left -= cost
    return kept[::-1]
