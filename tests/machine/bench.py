"""An archive beside its model: how one step is done to both, and what must hold after each."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from context_compaction import Archive, Policy, Session, SQLiteArchive
from context_compaction.archive.sqlite import opening
from context_compaction.errors import ArchiveError
from context_compaction.testing.faults import HOWS, Fault, FaultPoints
from tests.machine import messages, seen
from tests.machine.judged import BUDGET, COUNTER
from tests.machine.messages import WORD
from tests.machine.model import Dict, Key, Model

PRESETS = ("layered", "layered", "truncating", "masking", "extractive", "anchored")
UNSYNCED = ("PRAGMA synchronous = OFF", *(one for one in opening.SETTINGS if "synchronous" not in one))
Tell = Callable[[Model], object]
numbers = st.integers(0, 11)
DAY = 86_400.0


@st.composite
def _faults(draw: st.DrawFn) -> Fault | None:
    common = draw(st.integers(0, 5)) < 5
    return None if common else Fault(draw(st.integers(1, 40)), draw(st.sampled_from(HOWS)))


faults = _faults()
"""Most steps meet none."""


class Bench(RuleBasedStateMachine):
    """Sessions on a real archive, and a model of it."""

    memory = False
    """Whether the archive is in memory, and gone when it is closed."""
    elsewhere = False
    """Whether the archive is no file, while a backup is one."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.handles: dict[Key, list[Session]] = {}
        self.said = 0
        self.files = 0
        self.steps = 0
        self.stack = ExitStack()
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.stack.enter_context(patch.object(opening, "SETTINGS", UNSYNCED))
        self.stack.enter_context(patch("time.time", lambda: self.model.now))
        self.points = self.stack.enter_context(FaultPoints())
        self.where = self.place()
        self.archive: Archive = self.made_at(self.where)

    def file(self) -> Path:
        """A name that no file has yet."""
        self.files += 1
        return self.folder / f"file-{self.files}"

    def place(self) -> str:
        """Where a further archive is."""
        return ":memory:" if self.memory else str(self.file())

    def made_at(self, place: str) -> Archive:
        """An archive there, new or opened again."""
        return SQLiteArchive(place)

    def teardown(self) -> None:
        self.close()
        self.stack.close()

    def close(self) -> None:
        """Let go of the archive, and of every session of it."""
        for handle in [handle for handles in self.handles.values() for handle in handles]:
            handle.close()
        self.handles = {}
        self.archive.close()

    def say(self, key: Key, said: Sequence[Dict]) -> None:
        """Append."""
        batch = self.made(said)
        self.do(lambda: self.handle(key).append(batch), lambda model: model.append(key, *batch))

    def begin(self, key: Key) -> None:
        """Open a session that may not be there yet."""
        self.model.open(key)
        self.handle(key)

    # -- who ---------------------------------------------------------------------------------------------

    def key(self, who: int) -> Key:
        """One of the sessions."""
        keys = list(self.model.sessions)
        return keys[who % len(keys)]

    def handle(self, key: Key, which: int = 0) -> Session:
        """One of the open objects of a session."""
        handles = self.handles.setdefault(key, [])
        if not handles:
            handles.append(self.opened(key))
        return handles[which % len(handles)]

    def opened(self, key: Key) -> Session:
        """A further object of a session."""
        namespace, session_id = key
        policy = Policy.named(PRESETS[self.model.sessions[key].number % len(PRESETS)])
        return Session(self.archive, session_id, namespace, budget=BUDGET, policy=policy, counter=COUNTER)

    def made(self, said: Sequence[Dict], *, named: bool = False) -> list[Dict]:
        """Messages that were never said before; with ids, if ``named``, where they are no system messages."""
        out: list[Dict] = []
        for one in said:
            self.said += 1
            message = messages.with_word(one, self.said)
            out.append(
                {**message, "id": f"id{self.said}"} if named and message["role"] != "system" else message
            )
        return out

    # -- a step ------------------------------------------------------------------------------------------

    def do(
        self,
        act: Callable[[], object],
        tell: Tell,
        fault: Fault | None = None,
        between: Sequence[Tell] = (),
    ) -> None:
        """Do it, and tell the model. After a fault all is there, or nothing, or what ``between`` tells."""
        after = self._told(tell)
        if fault is None:
            act()
            self.model = after
            return
        self.points.arm(fault)
        try:
            act()
        except ArchiveError:
            assert self.points.happened
        happened = self.points.happened
        self.points.arm()
        if happened:
            there = seen.found(self.archive)
            possible = [after, self.model, *map(self._told, between)]
            after = next((one for one in possible if seen.expected(one) == there), self.model)
        self.model = after

    def _told(self, tell: Tell) -> Model:
        model = copy.deepcopy(self.model)
        tell(model)
        return model

    # -- what holds after each -----------------------------------------------------------------------------

    @invariant()
    def everything_is_there(self) -> None:
        """All that was said, in every branch of every session, with its pins; and nothing is damaged."""
        assert seen.found(self.archive) == seen.expected(self.model)
        if self.steps % 3 == 0:
            assert self.archive.verify() == []
        self.steps += 1
        self.model.now += DAY / 4

    @invariant()
    def sessions_say_the_same(self) -> None:
        """Whichever object of a session is asked."""
        for key, handles in self.handles.items():
            branch = self.model.active(key)
            handle = handles[self.steps % len(handles)]
            assert seen.told(handle.history()) == seen.lines(branch.log)
            assert [(pin.seq, pin.text) for pin in handle.pins] == branch.pins
            assert [found.last_seq for found in handle.branches()] == [
                len(found.log) for found in self.model.sessions[key].branches
            ]

    @invariant()
    def summaries_are_of_their_branch(self) -> None:
        """Each resolves to messages of its log, and tells nothing but what these say."""
        ids = seen.ids(self.archive, self.model)
        for branch in self.model.branches:
            for summary in self.archive.summaries(ids[branch.number]).values():
                first, last = summary.ranges[0][0], summary.ranges[-1][1]
                assert 1 <= first <= last <= len(branch.log)
                sources = [
                    branch.log[seq - 1] for low, high in summary.ranges for seq in range(low, high + 1)
                ]
                said = {word for one in sources for word in WORD.findall(one.json)}
                assert set(WORD.findall(summary.text)) <= said
