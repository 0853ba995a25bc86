"""Steps of whoever keeps the list: `sync` with what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import rule

from context_compaction.session import SyncResult
from context_compaction.testing.faults import Fault
from tests.machine.bench import Bench, faults, numbers
from tests.machine.messages import batches, plain, turns
from tests.machine.model import HEAD_ROLES, BranchModel, Dict, Key, Model
from tests.machine.syncing import Synced, chat, is_open, sync


@dataclass(frozen=True, slots=True)
class Listed:
    """A list that somebody keeps: system head and body."""

    head: list[Dict]
    body: list[Dict]

    @classmethod
    def of(cls, branch: BranchModel) -> Listed:
        return cls(*chat(branch))

    def but(self, *, head: list[Dict] | None = None, body: list[Dict] | None = None) -> Listed:
        """The same with a part changed; what it begins with is its head."""
        whole = [*(self.head if head is None else head), *(self.body if body is None else body)]
        end = next((n for n, message in enumerate(whole) if message["role"] not in HEAD_ROLES), len(whole))
        return Listed(whole[:end], whole[end:])


Change = Callable[[Listed, int, Dict], Listed]
"""What becomes of a list, at a place, with a message that was never said."""


def _edited(listed: Listed, at: int, new: Dict) -> Listed:
    body, place = listed.body, at % max(1, len(listed.body))
    return listed.but(body=[*body[:place], new, *body[place + 1 :]])


def _removed(listed: Listed, at: int, _: Dict) -> Listed:
    place = at % max(1, len(listed.body))
    return listed.but(body=[*listed.body[:place], *listed.body[place + 1 :]])


def _trimmed(listed: Listed, at: int, _: Dict) -> Listed:
    """With or without its head; it never begins with a system message that is none of the head."""
    starts = [n for n, message in enumerate(listed.body) if message["role"] not in HEAD_ROLES]
    start = starts[at % len(starts)] if starts else 0
    return listed.but(head=listed.head if at % 2 else [], body=listed.body[start:])


CHANGES: dict[str, Change] = {
    "as it was": lambda listed, at, new: listed,
    "trimmed": _trimmed,
    "edited": _edited,
    "regenerated": lambda listed, at, new: listed.but(body=[*listed.body[:-1], new]),
    "removed": _removed,
    "cut": lambda listed, at, new: listed.but(body=listed.body[: at % (len(listed.body) + 1)]),
    "inserted": lambda listed, at, new: listed.but(
        body=[*listed.body[: at % (len(listed.body) + 1)], new, *listed.body[at % (len(listed.body) + 1) :]]
    ),
    "another prompt": lambda listed, at, new: listed.but(head=[*listed.head[:-1], {**new, "role": "system"}]),
    "one more prompt": lambda listed, at, new: listed.but(head=[*listed.head, {**new, "role": "system"}]),
    "nothing": lambda listed, at, new: Listed([], []),
}


class Listing(Bench):
    """A list that somebody else keeps."""

    @rule(
        who=numbers,
        which=numbers,
        of=numbers,
        change=st.sampled_from(tuple(CHANGES)),
        at=st.integers(0, 60),
        new=plain("assistant"),
        more=st.one_of(st.just([]), batches),
        named=st.booleans(),
        deep=st.booleans(),
        fault=faults,
    )
    def sync(
        self,
        *,
        who: int,
        which: int,
        of: int,
        change: str,
        at: int,
        new: Dict,
        more: Sequence[Dict],
        named: bool,
        deep: bool,
        fault: Fault | None,
    ) -> None:
        """The list of the active branch or, one time in three, of any other, after a change."""
        key, handle = self.key(who), self.handle(self.key(who), which)
        session = self.model.sessions[key]
        source = session.branches[of % len(session.branches)] if of % 3 == 0 else session.active
        [fresh] = self.made([new])
        listed = CHANGES[change](Listed.of(source), at, fresh)
        if change != "nothing":
            listed = listed.but(body=[*listed.body, *self.made(more, named=named)])
        if is_open(session, listed.body):
            return
        results: list[SyncResult] = []
        told: list[Synced] = []
        self.do(
            lambda: results.append(handle.sync([*listed.head, *listed.body], deep)),
            lambda model: told.append(sync(model, key, listed.head, listed.body)),
            fault,
            between=[lambda model: _only_forked(model, key, listed)],
        )
        if fault is None:
            [done], [wanted] = results, told[:1]
            said = Synced(done.kind, done.appended, done.superseded, done.forked_at)
            assert said == wanted, (said, wanted)

    @rule(who=numbers, of=numbers, change=st.sampled_from(tuple(CHANGES)), at=st.integers(0, 60))
    def sync_ordinary_talk(self, who: int, of: int, change: str, at: int) -> None:
        """The same with little to choose, so that it is tried often."""
        [new, *more] = turns(1 + at % 4, start=4)
        self.sync(
            who=who,
            which=of,
            of=of,
            change=change,
            at=at,
            new=new,
            more=more,
            named=of % 2 == 0,
            deep=at % 2 == 0,
            fault=None,
        )


def _only_forked(model: Model, key: Key, listed: Listed) -> None:
    """A fork becomes the active branch with the first append to it: until then it is a branch beside."""
    session, before = model.sessions[key], model.active(key)
    if sync(model, key, listed.head, listed.body).kind == "forked":
        branch = session.active
        branch.log = branch.log[: branch.fork_at]
        session.active = before
