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


def expand(archive: Archive, branch: int, ref: str, last_seq: int) -> MessageList:
    """The originals behind a reference, in log order. Raises `UnknownReference`."""
    return readable(archive.messages(branch, named_ranges(archive, branch, ref, last_seq)))


def named_ranges(archive: Archive, branch: int, ref: str, last_seq: int) -> Sequence[Range]:
    """The ranges that a reference names: one or more parts, parted by commas."""
    ranges: list[Range] = []
    for part in str(ref).split(","):
        ranges += _part_ranges(archive, branch, part.strip(), last_seq)
    return ranges


def message_seq(ref: str, last_seq: int) -> int:
    """The number in a reference to one message. Raises `UnknownReference`."""
    found = _MESSAGES.fullmatch(ref.strip())
    if found is None or found.group(2) or not 1 <= int(found.group(1)) <= last_seq:
        raise UnknownReference(ref)
    return int(found.group(1))


def _part_ranges(archive: Archive, branch: int, ref: str, last_seq: int) -> Sequence[Range]:
    if found := _SUMMARY.fullmatch(ref):
        number = int(found.group(1))
        records = archive.summaries(branch, [number])
        if number not in records:
            raise UnknownReference(ref)
        return records[number].ranges
    if found := _MESSAGES.fullmatch(ref):
        first = int(found.group(1))
        last = int(found.group(2) or first)
        if 1 <= first <= last <= last_seq:
            return [(first, last)]
    raise UnknownReference(ref)
