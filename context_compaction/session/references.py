"""``m:57``, ``m:3-m:9``, ``s:2``: from a reference to what it names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from context_compaction.archive import Archive
from context_compaction.archive.tombstones import readable
from context_compaction.errors import UnknownReference
from context_compaction.messages import MessageList
from context_compaction.view import Range

_MESSAGES = re.compile(r"m:(\d{1,18})(?:\s*-\s*(?:m:)?(\d{1,18}))?")
_SUMMARY = re.compile(r"s:(\d{1,18})")
MAX_PARTS = 1000
_NONE = "this session has no such message or summary"


def expand(archive: Archive, branch: int, ref: str, last_seq: int) -> MessageList:
    """The originals behind a reference, in log order. Raises `UnknownReference`."""
    return readable(archive.messages(branch, named_ranges(archive, branch, ref, last_seq)))


def named_ranges(archive: Archive, branch: int, ref: str, last_seq: int) -> Sequence[Range]:
    """The messages that a reference names, a summary by those that it stands for."""
    ranges: list[Range] = []
    for part in named(archive, branch, ref, last_seq):
        ranges += archive.summaries(branch, [part])[part].ranges if isinstance(part, int) else [part]
    return ranges


def named(archive: Archive, branch: int, ref: str, last_seq: int) -> list[int | Range]:
    """The summaries (by number) and messages that a reference names: one or more parts, parted by commas."""
    parts = str(ref).split(",", MAX_PARTS)
    if len(parts) > MAX_PARTS:
        raise UnknownReference(f"{str(ref)[:80]}...", f"it has more than {MAX_PARTS:,} parts")
    return [_part(archive, branch, part.strip(), last_seq) for part in parts]


def message_seq(ref: str, last_seq: int) -> int:
    """The number in a reference to one message. Raises `UnknownReference`."""
    found = _MESSAGES.fullmatch(str(ref).strip())
    if found is None or found.group(2) or not 1 <= int(found.group(1)) <= last_seq:
        raise UnknownReference(str(ref)[:80])
    return int(found.group(1))


def _part(archive: Archive, branch: int, ref: str, last_seq: int) -> int | Range:
    if found := _SUMMARY.fullmatch(ref):
        number = int(found.group(1))
        if number in archive.summaries(branch, [number]):
            return number
        raise UnknownReference(ref, f"{_NONE}: summaries are named where the conversation shows them")
    if found := _MESSAGES.fullmatch(ref):
        first = int(found.group(1))
        last = int(found.group(2) or first)
        if 1 <= first <= last <= last_seq:
            return first, last
        raise UnknownReference(ref, f"{_NONE}: its messages are m:1 to m:{last_seq}" if last_seq else _NONE)
    raise UnknownReference(ref[:80])
