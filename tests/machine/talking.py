"""Steps of a session: what is said, shown, pinned, and said otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from context_compaction import CannotCompact, CompactionEvent, DuplicateMessage, Session, UnknownReference
from context_compaction.errors import SessionExists
from context_compaction.testing.faults import Fault
from tests.machine import seen
from tests.machine.bench import Bench, faults, numbers
from tests.machine.judged import judge
from tests.machine.messages import OWN, batches, messages, turns
from tests.machine.model import Dict, Key, Model, pin_text

HOW = ("context", "compact", "focus", "after_turn")
OTHER: Dict = {"role": "user", "content": f"{OWN} other"}
NAMES = tuple((namespace, session_id) for session_id in ("s1", "s2") for namespace in ("one", "two"))


class Talking(Bench):
    """What is done with sessions, but for `sync`."""

    @initialize(
        sessions=st.integers(1, 3),
        said=st.integers(1, 30),
        compacted=st.booleans(),
        forks=st.integers(0, 3),
        at=st.integers(0, 60),
    )
    def first(self, sessions: int, said: int, compacted: bool, forks: int, at: int) -> None:
        """Something of everything, so that few steps lead far."""
        for who, key in enumerate(NAMES[:sessions]):
            self.begin(key)
            self.say(key, turns(said))
            self.pin(who, 0, at, part=bool(at % 2), fault=None)
            if compacted:
                self.compaction(who, 0, "compact", None)
        for number in range(forks):
            self.fork_to_a_session(-number, 0, at + number, more=number, fault=None)
            self.pin(0, 0, number, part=False, fault=None)

    @rule(key=st.sampled_from(NAMES))
    def open(self, key: Key) -> None:
        self.begin(key)

    @rule(who=numbers)
    def open_again(self, who: int) -> None:
        """A second object of the same session."""
        key = self.key(who)
        self.handle(key)
        self.handles[key] = [*self.handles[key][-1:], self.opened(key)]

    @rule(who=numbers, which=numbers, said=batches, named=st.booleans(), fault=faults)
    def append(self, who: int, which: int, said: Sequence[Dict], named: bool, fault: Fault | None) -> None:
        key, batch = self.key(who), self.made(said, named=named)
        handle = self.handle(key, which)
        self.do(lambda: handle.append(batch), lambda model: model.append(key, *batch), fault)

    @rule(who=numbers, which=numbers, count=st.integers(8, 30), start=numbers, how=st.sampled_from(HOW))
    def append_much(self, who: int, which: int, count: int, start: int, how: str) -> None:
        """So that something has to leave."""
        self.say(self.key(who), turns(count, start))
        self.compaction(who, which, how, None)

    @rule(who=numbers, which=numbers, at=numbers, said=messages)
    def append_the_same_id(self, who: int, which: int, at: int, said: Dict) -> None:
        """Once more it is stored once, with what comes with it; with other content it is an error."""
        key = self.key(who)
        known = [one.message for one in self.model.active(key).log if "id" in one.message]
        if known:
            again, [more] = known[-1 - at % len(known)], self.made([said])
            handle = self.handle(key, which)
            self.do(lambda: handle.append([again, more]), lambda model: model.append(key, more))
            [other] = self.made([OTHER])
            with pytest.raises(DuplicateMessage):
                handle.append([more, {**other, "id": again["id"]}])

    @rule(who=numbers, at=st.integers(0, 60), as_text=st.booleans(), more=st.integers(0, 9), fault=faults)
    def fork(self, who: int, at: int, as_text: bool, more: int, fault: Fault | None) -> None:
        key, handle = self.key(who), self.handle(self.key(who))
        seq = at % (len(self.model.active(key).log) + 1)
        place = f"m:{seq}" if as_text and seq else seq
        self.do(lambda: handle.fork(place), lambda model: model.fork(key, seq), fault)
        self.say(key, turns(more))

    @rule(who=numbers, which=numbers, at=st.integers(0, 60), more=numbers, fault=faults)
    def fork_to_a_session(self, who: int, which: int, at: int, more: int, fault: Fault | None) -> None:
        """Either goes on for itself."""
        key, handle = self.key(who), self.handle(self.key(who), which)
        seq, other = at % (len(self.model.active(key).log) + 1), (key[0], f"f{self.model.begun}")
        with pytest.raises(SessionExists):
            handle.fork(seq, key[1])
        self.do(lambda: handle.fork(seq, other[1]).close(), lambda model: model.fork(key, seq, other), fault)
        self.say(key, turns(more))
        if other in self.model.sessions:
            self.say(other, turns(more % 4))

    @rule(who=numbers, which=numbers, at=numbers, fault=faults)
    def switch(self, who: int, which: int, at: int, fault: Fault | None) -> None:
        key, handle = self.key(who), self.handle(self.key(who), which)
        branches = handle.branches()
        place = at % len(branches)
        self.do(lambda: handle.switch(branches[place].id), lambda model: model.switch(key, place), fault)

    @rule(who=numbers, which=numbers, at=st.integers(0, 60), part=st.booleans(), fault=faults)
    def pin(self, who: int, which: int, at: int, part: bool, fault: Fault | None) -> None:
        key, handle = self.key(who), self.handle(self.key(who), which)
        log = self.model.active(key).log
        seq = len(log) - at % len(log) if log else 1
        if not log or log[seq - 1].pruned:
            with pytest.raises(UnknownReference):
                handle.pin(f"m:{seq}")
            return
        whole = pin_text(log[seq - 1].message)
        text = whole[: len(whole) // 2 + 1] if part else None
        self.do(
            lambda: handle.pin(f"m:{seq}", text),
            lambda model: model.pin(key, seq, whole if text is None else text),
            fault,
        )

    @rule(who=numbers, which=numbers, at=numbers, fault=faults)
    def unpin(self, who: int, which: int, at: int, fault: Fault | None) -> None:
        """One of the pinned, if there is any."""
        key, handle, pins = (
            self.key(who),
            self.handle(self.key(who), which),
            self.model.active(self.key(who)).pins,
        )
        if pins:
            seq, _ = pins[at % len(pins)]
            self.do(lambda: handle.unpin(f"m:{seq}"), lambda model: model.unpin(key, seq), fault)

    @rule(who=numbers, which=numbers)
    def context(self, who: int, which: int) -> None:
        key, handle = self.key(who), self.handle(self.key(who), which)
        judge(handle, self.model.active(key))

    @rule(who=numbers, which=numbers, how=st.sampled_from(HOW), fault=faults)
    def compaction(self, who: int, which: int, how: str, fault: Fault | None) -> None:
        """Nothing of the log changes; what is committed shows the pins of now."""
        key = self.key(who)
        handle, branch = self.handle(key, which), self.model.active(key)
        steps: dict[str, Callable[[], object]] = {
            "context": handle.context,
            "compact": handle.compact,
            "focus": lambda: handle.compact(focus="w1k"),
            "after_turn": handle.after_turn,
        }

        def act() -> None:
            told = handle.preview() if how == "compact" else None
            version = self._version(handle)
            try:
                done = steps[how]()
            except CannotCompact:
                assert how == "context"
                return
            if told is not None and isinstance(done, CompactionEvent):
                assert (told.outcome, told.tokens_after) == (done.outcome, done.tokens_after)
            if self._version(handle) > version:
                pins = {(pin.seq, pin.text) for pin in handle.view.pins if not pin.heard}
                assert pins == set(branch.pins)

        self.do(act, _nothing, fault)
        judge(handle, branch)

    def _version(self, handle: Session) -> int:
        """Of the view that the session has now, whoever committed it."""
        return next(branch.version for branch in handle.branches() if branch.active)

    @rule(who=numbers, which=numbers, first=st.integers(1, 40), count=numbers)
    def expand(self, who: int, which: int, first: int, count: int) -> None:
        """A range gives what was said there, one that is not there is an error."""
        handle, log = self.handle(self.key(who), which), self.model.active(self.key(who)).log
        ref = f"m:{first}-m:{first + count}"
        if first + count > len(log):
            with pytest.raises(UnknownReference):
                handle.expand(ref)
            return
        assert seen.told(handle.expand(ref)) == seen.lines(log[first - 1 : first + count], first)


def _nothing(_: Model) -> None:
    """The model stays as it is."""
