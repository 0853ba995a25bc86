"""From a list to what has to be written: which branch goes on, from where, with which messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from context_compaction.archive import Archive
from context_compaction.messages import Message
from context_compaction.session.livelog import LiveLog
from context_compaction.session.sync.items import Item
from context_compaction.session.sync.matching import NOTHING, Match, Matcher
from context_compaction.session.sync.ours import Ours
from context_compaction.session.sync.outline import SYSTEM, Outline
from context_compaction.view import Edited, Kept, View


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """What makes the log equal to the list."""

    branch: int
    """The branch that the list agrees with most."""
    fork_at: int | None
    """Where it leaves that branch; None if it does not."""
    head: tuple[tuple[Message, int], ...]
    """System messages to write, each with the one of the head that it supersedes, or 0."""
    items: tuple[Item, ...]
    """The list without what is made up."""
    seqs: tuple[int | None, ...]
    """For each message of the list, as far as it agrees, its number; None for what is made up."""
    fresh: tuple[Message, ...]
    """New messages, in order."""


class _Parts:
    """A list taken apart: system head, body, and our own context messages."""

    def __init__(self, items: Sequence[Item], ours: Ours) -> None:
        self.made_up = frozenset(item.index for item in items if ours.is_made_up(item))
        said = [item for item in items if item.index not in self.made_up]
        length = next((n for n, item in enumerate(said) if item.role not in SYSTEM), len(said))
        self.head, self.body = said[:length], said[length:]
        self.contexts = [item for item in items if item.index in self.made_up and item.role == "user"]


def sync_plan(
    archive: Archive,
    live: LiveLog,
    outline: Outline,
    items: Sequence[Item],
    ours: Ours,
    *,
    deep: bool,
) -> SyncPlan:
    """Compare the list with the session's log, its views, and its other branches. Writes nothing."""
    parts = _Parts(items, ours)
    matcher = Matcher(outline, ours, deep=deep, total=len(items))
    found = _on_this_branch(matcher, outline, live, parts, ours)
    left = len(parts.body) - len(found.seqs)
    if not found.whole or (left and live.last_seq == live.fork_at):
        # It leaves the branch, or goes on where a fork has nothing of its own yet: perhaps on a known path.
        other, elsewhere = _on_another_branch(archive, live, parts.body, items, ours, deep=deep)
        if other is not None and len(elsewhere.seqs) >= len(found.seqs) + found.whole:
            return _plan(Matcher(other, ours, deep=deep, total=len(items)), other, items, parts, elsewhere)
    return _plan(matcher, outline, items, parts, found)


def _on_this_branch(matcher: Matcher, outline: Outline, live: LiveLog, parts: _Parts, ours: Ours) -> Match:
    """The whole log first; then what views showed of it."""
    best = matcher.match(parts.body, outline.body)
    if best.whole or not outline.body:
        return best
    shown = set(outline.body)
    tried = [[seq for seq in live.renderer.seqs if seq in shown]]
    if parts.contexts:
        known = [view for item in parts.contexts if (view := ours.view_of(item)) is not None]
        tried += [_shown(outline, view) for view in known or ours.views()]
    for order in tried:
        if order or parts.contexts:
            best = max(best, matcher.match(parts.body, order), key=lambda match: match.worth)
    if parts.contexts and not best.whole and not best.seqs:
        # Ours, and all that stood behind the context message was taken away: only new messages follow.
        return Match((), whole=True)
    return best


def _shown(outline: Outline, view: View) -> list[int]:
    kept = (entry.seq for entry in view.head if isinstance(entry, (Kept, Edited)))
    return outline.shown(kept, view.head_end)


def _on_another_branch(
    archive: Archive,
    live: LiveLog,
    body: Sequence[Item],
    items: Sequence[Item],
    ours: Ours,
    *,
    deep: bool,
) -> tuple[Outline | None, Match]:
    """The branch of the session with most of the list; time travel comes back to one that is there."""
    best: tuple[Outline | None, Match] = (None, NOTHING)
    ids = {item.id for item in body}
    digests = {item.digest for item in body}
    for branch in reversed(archive.branches(live.branch)):
        if branch.id == live.branch or not branch.last_seq or not body:
            continue
        [tip] = archive.outline(branch.id, branch.last_seq - 1)
        if tip.message_id not in ids and tip.digest not in digests:
            continue  # the list does not go to its end
        outline = Outline(archive, branch.id)
        outline.reach(branch.last_seq)
        unknown = [Item(item.index, item.given) for item in body]
        found = Matcher(outline, ours, deep=deep, total=len(items)).match(unknown, outline.body)
        # Few words in common are no reason to leave the present branch: the list must be all of the other.
        if found.whole and found.seqs[0] == outline.body[0] and found.worth > best[1].worth:
            best = (outline, found)
    return best


def _plan(matcher: Matcher, outline: Outline, items: Sequence[Item], parts: _Parts, found: Match) -> SyncPlan:
    end = len(outline.rows)
    if found.whole:
        at = end
    elif found.seqs:
        at = found.seqs[-1]
    else:
        at = outline.first_head(end) if parts.head else 0
    head, plain, known = _head(matcher, outline, parts.head, at)
    seqs = _numbers(items, parts, known | dict(zip(parts.body, found.seqs, strict=False)))
    fresh = [item.message for item in (*plain, *parts.body[len(found.seqs) :])]
    return SyncPlan(
        branch=outline.branch,
        fork_at=None if at == end else at,
        head=tuple(head),
        items=(*parts.head, *parts.body),
        seqs=seqs,
        fresh=tuple(fresh),
    )


def _head(
    matcher: Matcher, outline: Outline, items: Sequence[Item], at: int
) -> tuple[list[tuple[Message, int]], list[Item], dict[Item, int]]:
    """System messages that supersede, those that simply begin a log, and those that are there."""
    if at == 0:
        return [], list(items), {}
    standing = outline.head(at)
    known: dict[Item, int] = {}
    for item in items:
        seq = next((seq for seq in standing if seq not in known.values() and matcher.same(item, seq)), None)
        if seq is not None:
            known[item] = seq
    left = [seq for seq in standing if seq not in known.values()]
    changed: list[tuple[Message, int]] = []
    for item in items:
        if item in known:
            continue
        by_id = [seq for seq in left if item.id is not None and outline[seq].message_id == item.id]
        replaced = (by_id or left[:1] or [0])[0]
        if replaced:
            left.remove(replaced)
        changed.append((item.message, replaced))
    return changed, [], known


def _numbers(items: Sequence[Item], parts: _Parts, known: dict[Item, int]) -> tuple[int | None, ...]:
    """The numbers of the list's messages, up to the first that has none yet."""
    seqs: list[int | None] = []
    for item in items:
        if item.index not in parts.made_up and item not in known:
            break
        seqs.append(known.get(item))
    return tuple(seqs)
