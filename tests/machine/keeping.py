"""Steps of the archive's owner: pruning, forgetting, copying, moving, searching."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from context_compaction import SessionHasForks, SQLiteArchive
from context_compaction.errors import ArchiveError
from context_compaction.testing.faults import Fault
from tests.machine import seen
from tests.machine.bench import DAY, Bench, faults, numbers
from tests.machine.messages import WORD, word
from tests.machine.model import Key, Model
from tests.machine.pruning import may_go
from tests.machine.talking import OTHER


class Keeping(Bench):
    """What is done with the archive."""

    @rule(days=st.integers(0, 6), uncovered=st.booleans(), fault=faults)
    def prune_what_is_old(self, days: int, uncovered: bool, fault: Fault | None) -> None:
        """Exactly what may go goes."""
        needs, until = seen.needs(self.archive, self.model), self.model.now - days * DAY

        def tell(model: Model) -> None:
            for group in may_go(model, needs, uncovered=uncovered, before=until):
                for said in group:
                    said.pruned = True

        self.do(lambda: self.archive.prune(max_age=days * DAY, uncovered=uncovered), tell, fault)

    @rule(most=st.sampled_from((0, 0, 3000)), uncovered=st.booleans())
    def prune_what_is_much(self, most: int, uncovered: bool) -> None:
        """Of what may go all, or some of it: the oldest."""
        going = may_go(self.model, seen.needs(self.archive, self.model), uncovered=uncovered, before=None)
        self.archive.prune(max_bytes=most, uncovered=uncovered)
        left = {
            (number, row.seq)
            for number in seen.ids(self.archive, self.model).values()
            for row in self.archive.messages(number)
            if not row.pruned
        }
        ids = seen.ids(self.archive, self.model)
        where = {
            said: (ids[branch.number], seq)
            for branch in self.model.branches
            for seq, said in enumerate(branch.log, 1)
        }
        gone = [group for group in going if not any(where[said] in left for said in group)]
        stayed = [group for group in going if group not in gone]
        assert most or not stayed
        if gone and stayed:
            oldest = [min(said.at for said in group) for group in stayed]
            assert max(min(said.at for said in group) for group in gone) <= min(oldest)
        for said in [said for group in gone for said in group]:
            said.pruned = True

    @rule(
        who=numbers,
        forks=st.sampled_from(("detach", "cascade", "detach", "raise")),
        used=st.booleans(),
        fault=faults,
    )
    @precondition(lambda self: len(self.model.sessions) > 1)
    def forget(
        self, who: int, forks: Literal["raise", "detach", "cascade"], used: bool, fault: Fault | None
    ) -> None:
        """Gone, to the last byte; and an object of the session that is still there begins it anew."""
        shared = [key for key in self.model.sessions if self.model.forked_from(key)]
        key = shared[who % len(shared)] if shared and who % 3 else self.key(who)
        namespace, session_id = key
        if forks == "raise" and (len(self.model.sessions[key].branches) > 1 or self.model.forked_from(key)):
            with pytest.raises(SessionHasForks):
                self.archive.forget(session_id, namespace)
            return
        self.handle(key)
        before = self._words()
        self.do(
            lambda: self.archive.forget(session_id, namespace, forks=forks),
            lambda model: model.forget(key, cascade=forks == "cascade"),
            fault,
        )
        if fault is None:
            self._nowhere(before - self._words())
        self._let_go(key if used else None)
        if not self.model.sessions:
            self.begin(key)

    def _words(self) -> set[str]:
        logs = [branch.log for branch in self.model.branches]
        return {found for log in logs for said in log for found in WORD.findall(said.json)}

    def _nowhere(self, words: set[str]) -> None:
        assert words.isdisjoint(WORD.findall(self.held()))

    def held(self) -> str:
        """All that the archive's files hold."""
        path = Path(self.where)
        if self.memory:
            path = self.file()
            self.archive.backup(path)
        files = [path, *path.parent.glob(f"{path.name}-*")]
        return b"".join(file.read_bytes() for file in files).decode("latin-1")

    def _let_go(self, used: Key | None) -> None:
        """Objects of sessions that are gone; the one that is used goes on as if it were new."""
        for key in [key for key in self.handles if key not in self.model.sessions]:
            first, *others = self.handles.pop(key)
            if key == used:
                [message] = self.made([OTHER])
                first.append(message)
                self.model.open(key)
                self.model.append(key, message)
                self.handles[key] = [first]
            for handle in others if key == used else [first, *others]:
                handle.close()

    @rule()
    @precondition(lambda self: not self.memory)
    def reopen(self) -> None:
        """Everything is closed, and opened when it is asked for."""
        self.close()
        self.archive = self.made_at(self.where)

    @rule(how=st.sampled_from(("export", "backup")), stay=st.booleans())
    def move(self, how: str, stay: bool) -> None:
        """A copy is equal, and can be gone on with."""
        path, where = self.file(), self.place()
        if how == "backup":
            self.archive.backup(path)
            copy = SQLiteArchive(path)
        else:
            assert self.archive.export(path) == len(self.model.sessions)
            copy = self.made_at(where)
            assert copy.import_(path) == len(self.model.sessions)
            assert copy.import_(path) == 0
        assert seen.found(copy) == seen.expected(self.model)
        assert copy.verify() == []
        if stay or (self.elsewhere and how == "backup"):
            copy.close()
            return
        self.close()
        self.archive, self.where = copy, str(path) if how == "backup" else where

    @rule(fault=faults.filter(bool))
    def import_fails(self, fault: Fault) -> None:
        """All of it is there, or nothing."""
        path = self.file()
        self.archive.export(path)
        with self.made_at(self.place()) as copy:
            self.points.arm(fault)
            with suppress(ArchiveError):
                copy.import_(path)
            self.points.arm()
            assert seen.found(copy) in ([], seen.expected(self.model))
            assert copy.verify() == []

    @rule(who=numbers, which=numbers, number=st.integers(0, 200))
    def recall(self, who: int, which: int, number: int) -> None:
        """A word is found where it was said, in the session's own branch, and nowhere else."""
        handle, log = self.handle(self.key(who), which), self.model.active(self.key(who)).log
        own = {found for one in log for found in WORD.findall(one.json)}
        wanted = _nth(own if number % 2 else self._words() - own, number) or word(0)
        said = {seq for seq, one in enumerate(log, 1) if not one.pruned and wanted in WORD.findall(one.json)}
        hits = handle.recall(f"what of {wanted}?", k=100)
        found = {int(hit.ref[2:]): hit for hit in hits if hit.message is not None}
        assert {seq for seq, hit in found.items() if hit.why} == said
        for seq, hit in found.items():
            # Those that do not have the word themselves stand next to one that has.
            assert any(abs(seq - at) <= 2 for at in said)
            assert hit.message is not None
            assert seen.told([hit.message]) == seen.lines(log[seq - 1 : seq])
            assert all(1 <= int(ref[2:]) <= len(log) for ref in hit.neighbours)
        for hit in hits:
            if hit.summary is not None:
                assert wanted in WORD.findall(hit.summary.text)
                assert seen.told(handle.expand(hit.ref))


def _nth(words: set[str], number: int) -> str | None:
    return sorted(words)[number % len(words)] if words else None
