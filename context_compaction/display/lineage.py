"""How summaries are shown: each over what it was made from, down to the messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from context_compaction.display.html import Html, tag
from context_compaction.display.parts import passage, percent, ranges
from context_compaction.view import SummaryRecord

MOST = 60
"""Summaries that are drawn; a session that had more has them all in ``session.summaries``."""


def lineage(records: Mapping[int, SummaryRecord], shown: Iterable[int]) -> Html:
    """The summaries of the view, each a tree of its sources, as nested lists."""
    room = [MOST]
    return _level(records, shown, frozenset(), room)


def _level(
    records: Mapping[int, SummaryRecord], ids: Iterable[int], above: frozenset[int], room: list[int]
) -> Html:
    known = [records[number] for number in ids if number in records and number not in above]
    nodes: list[Html] = []
    for record in known:
        if room[0] <= 0:
            nodes.append(tag("li", "… and more", class_="node dim"))
            break
        room[0] -= 1
        nodes.append(tag("li", _node(record), *_below(records, record, above, room), class_="node"))
    return tag("ul", *nodes)


def _node(record: SummaryRecord) -> Html:
    """What is known of a summary; its text when opened."""
    about = (
        f" generation {record.generation}, {record.tokens:,} tokens, stands for {ranges(record.ranges)}, "
        f"fidelity {percent(record.fidelity)}, by "
    )
    line = tag("summary", tag("b", record.ref), about, tag("span", record.writer, dir="auto"))
    return tag("details", line, passage(record.text, 4000))


def _below(
    records: Mapping[int, SummaryRecord], record: SummaryRecord, above: frozenset[int], room: list[int]
) -> list[Html]:
    if not record.sources:
        return []
    return [_level(records, record.sources, above | {record.id}, room)]
