"""`Syncer`: a list comes in, the log follows."""

from __future__ import annotations

from collections.abc import Sequence

from context_compaction.messages import Message
from context_compaction.planner import Call, Steps
from context_compaction.session.forking import fork_of
from context_compaction.session.staging import MessageLike, without_known
from context_compaction.session.state import SessionState
from context_compaction.session.sync.items import Item, Remembered
from context_compaction.session.sync.ours import Ours
from context_compaction.session.sync.outline import Outline
from context_compaction.session.sync.plan import SyncPlan, sync_plan
from context_compaction.session.sync.result import SyncResult


class Syncer:
    """Keeps a session's log equal to a list; remembers the list, so that only what changed is read again."""

    def __init__(self, state: SessionState) -> None:
        self._state = state
        self._outline: Outline | None = None
        self._ours: Ours | None = None
        self._remembered = Remembered(0, (), ())

    def sync(self, messages: Sequence[MessageLike], *, deep: bool) -> Steps[SyncResult]:
        """One try. Raises `StaleView` when another writer was faster."""
        yield Call(self._state.notice)
        return (yield Call(lambda: self._sync(messages, deep=deep)))

    def _sync(self, messages: Sequence[MessageLike], *, deep: bool) -> SyncResult:
        state, live = self._state, self._state.live
        if (fresh := self._remembered.fresh(messages, live.branch, live.last_seq)) is not None:
            return self._grow(fresh)
        items = self._remembered.items(messages, live.branch)
        plan = sync_plan(state.archive, state.live, self._read(), items, self._rendered(), deep=deep)
        before = state.live.branch
        self._move(plan)
        written = self._write(plan.head, plan.fresh, activate=state.live.branch != before)
        self._remember(messages, plan, written)
        moved = state.live.branch != before
        return SyncResult(
            kind=("switched" if plan.fork_at is None else "forked")
            if moved
            else ("grown" if written or plan.head else "unchanged"),
            appended=len(written),
            superseded=len(plan.head),
            branch=state.live.branch,
            forked_at=plan.fork_at,
        )

    def _grow(self, fresh: Sequence[Item]) -> SyncResult:
        """What comes behind a list that is all in the log needs to be compared with nothing."""
        live = self._state.live
        said = [item for item in fresh if not self._rendered().is_made_up(item)]
        written = self._write([], [item.message for item in said])
        if len(written) == len(said):
            seqs = dict(zip(said, range(live.last_seq - len(said) + 1, live.last_seq + 1), strict=True))
            self._remembered.add([item.given for item in fresh], [seqs.get(item) for item in fresh])
        return SyncResult("grown" if written else "unchanged", len(written), 0, live.branch)

    def _read(self) -> Outline:
        live = self._state.live
        if self._outline is None or self._outline.branch != live.branch:
            self._outline = Outline(self._state.archive, live.branch)
        self._outline.reach(live.last_seq)
        return self._outline

    def _rendered(self) -> Ours:
        live = self._state.live
        if self._ours is None or not self._ours.is_of(live):
            self._ours = Ours(self._state.archive, live, self._state.settings.options)
        return self._ours

    def _move(self, plan: SyncPlan) -> None:
        """Go on with the branch that the list is on.

        It becomes the session's own with the first append: until then, whatever happens, the session is
        where it was.
        """
        state = self._state
        branch = plan.branch
        if plan.fork_at is not None:
            source = state.archive.state(branch)
            fork = fork_of(state.archive, source, plan.fork_at, activate=False)
            branch = state.archive.fork(branch, fork)
        if branch != state.live.branch:
            state.take_up(state.archive.state(branch))

    def _write(
        self, head: Sequence[tuple[Message, int]], messages: Sequence[Message], *, activate: bool = False
    ) -> list[Message]:
        """Append what is new; new system messages first. Returns the messages that were not there."""
        state = self._state
        fresh = without_known(state.archive, state.live.branch, messages)
        rows = [(self._own(message), replaced) for message, replaced in head]
        if rows or fresh or activate:
            staged = state.live.stage([*rows, *((message, None) for message in fresh)], activate=activate)
            state.store(staged)
        return fresh

    def _own(self, message: Message) -> Message:
        """A new system prompt often has its predecessor's id, which stands for that one in the log."""
        if message.id is None or not self._state.archive.find_ids(self._state.live.branch, [message.id]):
            return message
        return Message(
            message.role,
            message.blocks,
            name=message.name,
            timestamp=message.timestamp,
            raw=message.raw,
            format=message.format,
        )

    def _remember(self, messages: Sequence[MessageLike], plan: SyncPlan, written: Sequence[Message]) -> None:
        """With the numbers that everything has now."""
        live = self._state.live
        seqs = list(plan.seqs)
        if len(written) == len(plan.fresh) and not plan.head:
            fresh = iter(range(live.last_seq - len(written) + 1, live.last_seq + 1))
            said = {item.index for item in plan.items[-len(written) :]} if written else set[int]()
            seqs += [next(fresh) if index in said else None for index in range(len(seqs), len(messages))]
        self._remembered = Remembered(live.branch, messages, seqs)
