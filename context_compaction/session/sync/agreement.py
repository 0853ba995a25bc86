"""With which branch of the session a list agrees, and how far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from context_compaction.archive import Archive, Branch
from context_compaction.render import RenderOptions
from context_compaction.session.livelog import LiveLog
from context_compaction.session.sync.items import Item
from context_compaction.session.sync.matching import Match, Matcher
from context_compaction.session.sync.ours import Ours
from context_compaction.session.sync.outline import Outline
from context_compaction.session.sync.parts import Parts, taken_apart
from context_compaction.view import Edited, Kept, View

TIPS = 8
"""So many messages at a branch's end are looked at for one that the list has."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A list read in one way, compared with one branch."""

    outline: Outline
    matcher: Matcher
    parts: Parts
    match: Match

    @property
    def left(self) -> int:
        """How many messages of the list's body do not agree."""
        return len(self.parts.body) - len(self.match.seqs)


class Comparison:
    """One list against one session."""

    def __init__(
        self, archive: Archive, live: LiveLog, items: Sequence[Item], options: RenderOptions, *, deep: bool
    ) -> None:
        self._archive = archive
        self._live = live
        self._items = items
        self._options = options
        self._deep = deep

    def best(self, outline: Outline, ours: Ours) -> Agreement:
        """The present branch if the list goes on from its end, else the one with most of the list."""
        here = self._here(outline, ours)
        said = max(outline.body[-1:], default=0)
        if not here.match.whole or (here.left and said <= self._live.fork_at):
            # It leaves the branch, or goes on where a fork has nothing of its own yet: perhaps on a path
            # that is there.
            least = max(1, len(here.match.seqs) + here.match.whole)
            others = [found for found in self._elsewhere(here.parts) if len(found.match.seqs) >= least]
            if others:
                return max(others, key=lambda found: len(found.match.seqs))
        if here.parts.contexts and not here.match.whole and not here.match.seqs:
            # Ours, and all that stood behind the context message was taken away: only new messages follow.
            return Agreement(outline, here.matcher, here.parts, Match((), whole=True))
        return here

    def _here(self, outline: Outline, ours: Ours) -> Agreement:
        """The whole log first; then what views showed of it."""
        found: list[Agreement] = []
        matcher = Matcher(outline, ours, deep=self._deep, total=len(self._items))
        for parts in taken_apart(self._items, outline, ours, matcher):
            for order in self._orders(outline, ours, parts):
                found.append(Agreement(outline, matcher, parts, matcher.match(parts.body, order)))
                if found[-1].match.whole:
                    return found[-1]
        return max(found, key=lambda agreement: agreement.match.worth)

    def _orders(self, outline: Outline, ours: Ours, parts: Parts) -> Iterable[Sequence[int]]:
        """The orders that the list may have, the likeliest first."""
        yield outline.body
        if not outline.body or not parts.body:
            return
        body = set(outline.body)
        yield [seq for seq in self._live.renderer.seqs if seq in body]
        if parts.contexts:
            known = [view for item in parts.contexts if (view := ours.view_of(item)) is not None]
            for view in known or ours.views:
                yield _shown(outline, view)
        yield outline.rendered(outline.body)

    def _elsewhere(self, here: Parts) -> Iterable[Agreement]:
        """The session's other branches that the list has to their end."""
        if not here.body:
            return
        ids, digests = {item.id for item in here.body}, {item.digest for item in here.body}
        anew = [item.anew() for item in self._items]
        for branch in reversed(self._archive.branches(self._live.branch)):
            if branch.id == self._live.branch or not branch.last_seq:
                continue
            # The end alone, as far as it is of the body: most branches end with what the list has not.
            tips = self._archive.outline(branch.id, max(0, branch.last_seq - TIPS))
            said = [row for row in tips if row.supersedes is None][-1:]
            if all(row.message_id in ids - {None} or row.digest in digests for row in said):
                yield from self._there(branch, anew)

    def _there(self, branch: Branch, items: Sequence[Item]) -> Iterable[Agreement]:
        outline = Outline(self._archive, branch.id)
        outline.reach(branch.last_seq)
        ours = Ours(self._archive, branch.id, branch.version, self._options)
        matcher = Matcher(outline, ours, deep=self._deep, total=len(items))
        for parts in taken_apart(items, outline, ours, matcher):
            # Few words in common are no reason to leave the present branch: the list must be all of the
            # other, or what a view of it showed.
            views = [view for item in parts.contexts if (view := ours.view_of(item)) is not None]
            for order in (outline.body, *(_shown(outline, view) for view in views)):
                match = matcher.match(parts.body, order)
                if match.whole and match.seqs and match.seqs[0] == order[0]:
                    yield Agreement(outline, matcher, parts, match)


def _shown(outline: Outline, view: View) -> list[int]:
    kept = (entry.seq for entry in view.head if isinstance(entry, (Kept, Edited)))
    return outline.shown(kept, view.head_end)
