"""`Truncate`: the oldest messages leave without a summary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from context_compaction.groups import MessageGroup
from context_compaction.strategies.base import Scene, Strategy
from context_compaction.strategies.search import smallest
from context_compaction.view import Entry, Gap, Range, Summary, View, ranges_of


class Truncate(Strategy):
    """Whole groups leave, oldest first, until the goal is reached; each hole shows as one line.

    Then, on HARD only and with ``summaries``, the oldest summaries leave too, as far as the input budget asks
    for it: what they stand for has left once already. No message of ``scene.protected`` is touched.
    """

    name = "truncate"
    lossy = True

    def __init__(self, *, summaries: bool = True) -> None:
        self.summaries = summaries

    def apply(self, scene: Scene) -> View:
        """The view after the oldest groups left."""
        after = scene.with_view(_without_groups(scene))
        if self.summaries and scene.hard:
            after = after.with_view(_without_summaries(after))
        return after.view if after.tokens < scene.tokens else scene.view


def gaps(seqs: Iterable[int]) -> list[Gap]:
    """Holes for messages that leave."""
    return gaps_of(ranges_of(sorted(seqs)))


def gaps_of(ranges: Iterable[Range]) -> list[Gap]:
    """Holes for ranges that leave."""
    return [Gap(first, last) for first, last in ranges]


def leave(scene: Scene, groups: Iterable[MessageGroup], instead: Iterable[Entry] = ()) -> View:
    """The view less these groups, with gaps or ``instead`` in their place."""
    seqs = [seq for group in groups for seq in group.seqs]
    return scene.view.without(seqs, list(instead) or gaps(seqs))


def _without_groups(scene: Scene) -> View:
    groups = scene.movable()
    freed = list(accumulate(scene.group_tokens(group) for group in groups))
    need = scene.tokens - scene.goal
    guess = next((count for count, tokens in enumerate(freed, 1) if tokens >= need), len(groups))

    def enough(count: int) -> bool:
        return scene.measure(leave(scene, groups[:count]), scene.summaries) <= scene.goal

    if not groups or need <= 0:
        return scene.view
    count = smallest(enough, guess, 1, len(groups))
    return leave(scene, groups[: len(groups) if count is None else count])


def _without_summaries(scene: Scene) -> View:
    ids = sorted(scene.view.summaries)
    limit = max(scene.goal, scene.budget.input_tokens)

    def enough(count: int) -> bool:
        return scene.measure(_dropped(scene, ids[:count]), scene.summaries) <= limit

    if not ids or scene.tokens <= limit:
        return scene.view
    count = smallest(enough, 1, 1, len(ids))
    return _dropped(scene, ids[: len(ids) if count is None else count])


def _dropped(scene: Scene, ids: Sequence[int]) -> View:
    """The view less these summaries, their ranges as gaps."""
    entries: list[Entry] = [
        entry for entry in scene.view.head if not (isinstance(entry, Summary) and entry.id in ids)
    ]
    for number in ids:
        entries += gaps_of(scene.summaries[number].ranges)
    return scene.view.rebuilt(entries)
