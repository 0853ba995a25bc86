"""With which branch of the session a list agrees, and how far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from context_compaction.archive import Archive, Branch
from context_compaction.session.livelog import LiveLog
from context_compaction.session.sync.items import Item
from context_compaction.session.sync.matching import Match, Matcher
from context_compaction.session.sync.orders import likely_orders, possible_orders
from context_compaction.session.sync.ours import Ours
from context_compaction.session.sync.outline import Outline
from context_compaction.session.sync.parts import Parts, taken_apart

TIPS = 8
"""So many messages at a branch's end are looked at for one that the list has."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A list read in one way, compared with one branch."""

    outline: Outline
    ours: Ours
    matcher: Matcher
    parts: Parts
    match: Match
    headless: bool = False
    """Whether the list is all there is, and lacks a system message of the log's head."""

    @property
    def left(self) -> int:
        """How many messages of the list's body do not agree."""
        return len(self.parts.body) - len(self.match.numbers)

    def is_better_than(self, here: Agreement) -> bool:
        """Whether its branch is to be preferred to the present one."""
        if self.match.whole:
            return len(self.match.seqs) >= max(1, len(here.match.seqs) + here.match.whole)
        return self.match.worth > here.match.worth


class Comparison:
    """One list against one session."""

    def __init__(
        self, archive: Archive, live: LiveLog, items: Sequence[Item], *, deep: bool, trimmed: bool
    ) -> None:
        self._archive = archive
        self._live = live
        self._items = items
        self._deep = deep
        self._trimmed = trimmed

    def best(self, outline: Outline, ours: Ours) -> Agreement:
        """The present branch if the list goes on from its end, else the one with most of the list."""
        here = self._here(self._items, outline, ours)
        known = [item.known is not None for item in self._items]
        if not here.match.whole and any(known) and not all(known):
            # What begins as it did last time, and goes on otherwise, may be where the same was said again.
            anew = self._here([item.anew() for item in self._items], outline, ours)
            here = max(here, anew, key=_worth_here)
        said = max(outline.body[-1:], default=0)
        if not here.match.whole or (here.left and said <= self._live.fork_at):
            # It leaves the branch, or goes on where a fork has nothing of its own yet: perhaps on a path
            # that is there.
            others = [found for found in self._elsewhere(here.parts, ours) if found.is_better_than(here)]
            here = max(others, key=lambda found: found.match.worth, default=here)
        lacking = len(here.parts.head) < len(here.outline.head(here.outline.end))
        return replace(here, headless=lacking and not self._trimmed)

    def _here(self, items: Sequence[Item], outline: Outline, ours: Ours) -> Agreement:
        """The whole log first; then what views showed of it."""
        found: list[Agreement] = []
        matcher = Matcher(outline, ours, deep=self._deep, total=len(items), trimmed=self._trimmed)
        orders = possible_orders if self._trimmed else likely_orders
        for parts in taken_apart(items, outline, ours, matcher):
            least = 0
            for order in orders(outline, ours, parts):
                match = matcher.match(parts.body, order)
                if len(match.seqs) < least and not parts.contexts:
                    continue  # a view that explains less of the list than the log does, or nothing
                found.append(Agreement(outline, ours, matcher, parts, match))
                if match.whole:
                    return found[-1]
                least = max(least, len(match.seqs), 1)
        return max(found, key=_worth_here)

    def _elsewhere(self, here: Parts, ours: Ours) -> Iterable[Agreement]:
        """The session's other branches that the list has to their end, or is rendered from."""
        if not here.body and not here.contexts:
            return
        ids, digests = {item.id for item in here.body}, {item.digest for item in here.body}
        anew = [item.anew() for item in self._items]
        for branch in reversed(self._archive.branches(self._live.branch)):
            if branch.id == self._live.branch or not branch.last_seq:
                continue
            there = ours.sibling(branch)
            shown = any(there.view_of(item) is not None for item in here.contexts)
            # The end alone, as far as it is of the body: most branches end with what the list has not.
            tips = self._archive.outline(branch.id, max(0, branch.last_seq - TIPS))
            said = [row for row in tips if row.supersedes is None][-1:]
            if shown or all(row.message_id in ids - {None} or row.digest in digests for row in said):
                yield from self._there(branch, there, anew)

    def _there(self, branch: Branch, ours: Ours, items: Sequence[Item]) -> Iterable[Agreement]:
        outline = Outline(self._archive, branch.id)
        outline.reach(branch.last_seq)
        matcher = Matcher(outline, ours, deep=self._deep, total=len(items), trimmed=self._trimmed)
        for parts in taken_apart(items, outline, ours, matcher):
            # Few words in common are no reason to leave the present branch: the list must be all of the
            # other, or have the context message of one of its views.
            shown = any(ours.view_of(item) is not None for item in parts.contexts)
            for order in likely_orders(outline, ours, parts):
                match = matcher.match(parts.body, order)
                if (match.whole and match.seqs[:1] == tuple(order.seqs[:1])) or (shown and match.at):
                    yield Agreement(outline, ours, matcher, parts, match)


def _worth_here(found: Agreement) -> tuple[bool, int, int]:
    """Of two readings that agree with as many messages the first: the log before what a view showed of it.

    What a view hid is taken to be shared only where the list has its context message, or nothing that agrees.
    """
    whole, agreeing, at = found.match.worth
    return whole, agreeing, at if found.parts.contexts or not agreeing else 0
