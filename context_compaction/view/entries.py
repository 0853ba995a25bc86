"""What a view is made of. Every archived message is named by exactly one entry."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from context_compaction.errors import ArchiveCorrupt
from context_compaction.messages import Block, Message, quotable
from context_compaction.messages.blocks import block_from_json, block_to_json


@dataclass(frozen=True, slots=True)
class Kept:
    """Message ``seq`` as it was said."""

    seq: int


@dataclass(frozen=True, slots=True)
class Edited:
    """Message ``seq`` with other blocks in place of its own."""

    seq: int
    blocks: tuple[Block, ...]
    reason: str
    """``reasoning``, ``duplicate``, ``cleared``, ``arguments`` or ``clamped``; joined with ``+``."""
    tokens: int
    """Of the edited message, envelope included."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary ``s:<id>`` stands here for the ranges that it names."""

    id: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages ``first`` to ``last`` left without a summary; they are in the archive."""

    first: int
    last: int


Entry = Kept | Edited | Summary | Gap
Range = tuple[int, int]
"""First and last sequence number, both included."""


@dataclass(frozen=True, slots=True)
class Pin:
    """Text that stays word for word: ``ref`` says which message it is or comes from."""

    ref: str
    text: str
    heard: bool = False
    """Set by nobody: a standing instruction that pinned itself. It leaves its message free to go."""

    @classmethod
    def of(cls, seq: int, message: Message) -> Pin:
        """A pin on the whole message: its text, and each tool call as ``name(arguments)``."""
        return cls(f"m:{seq}", quotable(message))

    @property
    def seq(self) -> int:
        """The number of the message that ``ref`` names."""
        return int(self.ref.removeprefix("m:"))


@dataclass(frozen=True, slots=True)
class SummaryRecord:
    """A written summary, ``s:<id>``, with its lineage."""

    id: int
    text: str
    tokens: int
    generation: int
    """0 over messages, else 1 + the highest of its sources."""
    ranges: tuple[Range, ...]
    """The messages it stands for, ascending, not overlapping."""
    sources: tuple[int, ...] = ()
    """Ids of the summaries it was made from; empty for generation 0."""
    writer: str = "extractive"
    fidelity: float = 1.0

    @property
    def ref(self) -> str:
        """How the summary is named: ``s:3``."""
        return f"s:{self.id}"

    @property
    def seqs(self) -> list[int]:
        """The numbers of all messages it stands for."""
        return [seq for first, last in self.ranges for seq in range(first, last + 1)]


def ranges_of(seqs: list[int]) -> tuple[Range, ...]:
    """Ascending numbers as the fewest ranges."""
    out: list[Range] = []
    for seq in seqs:
        if out and out[-1][1] == seq - 1:
            out[-1] = (out[-1][0], seq)
        else:
            out.append((seq, seq))
    return tuple(out)


def range_text(ranges: tuple[Range, ...]) -> str:
    """Ranges as a reader sees them: ``m:1-m:40, m:43``."""
    return ", ".join(f"m:{first}" if first == last else f"m:{first}-m:{last}" for first, last in ranges)


def pin_to_json(pin: Pin) -> list[Any]:
    """Compact JSON data of a view's pin; one that was set is as it was before others set themselves."""
    return [pin.ref, pin.text, "heard"] if pin.heard else [pin.ref, pin.text]


def pin_from_json(data: list[Any]) -> Pin:
    """The pin that `pin_to_json` wrote. Raises `ArchiveCorrupt` for anything else."""
    match data:
        case [str(ref), str(text)]:
            return Pin(ref, text)
        case [str(ref), str(text), "heard"]:
            return Pin(ref, text, heard=True)
        case _:
            raise ArchiveCorrupt(f"unknown pin {json.dumps(data)[:80]}")


def entry_to_json(entry: Entry) -> list[Any]:
    """Compact JSON data of one entry."""
    if isinstance(entry, Kept):
        return ["k", entry.seq]
    if isinstance(entry, Summary):
        return ["s", entry.id]
    if isinstance(entry, Gap):
        return ["g", entry.first, entry.last]
    return ["e", entry.seq, [block_to_json(block) for block in entry.blocks], entry.reason, entry.tokens]


def entry_from_json(data: list[Any]) -> Entry:
    """The entry that `entry_to_json` wrote. Raises `ArchiveCorrupt` for anything else."""
    match data:
        case ["k", int(seq)]:
            return Kept(seq)
        case ["s", int(number)]:
            return Summary(number)
        case ["g", int(first), int(last)]:
            return Gap(first, last)
        case ["e", int(seq), blocks, str(reason), int(tokens)]:
            return Edited(seq, tuple(block_from_json(block) for block in blocks), reason, tokens)
        case _:
            raise ArchiveCorrupt(f"unknown view entry {json.dumps(data)[:80]}")
