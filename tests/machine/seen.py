"""What an archive holds and what the model says it does, in one form, to be compared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from context_compaction.archive import Archive
from context_compaction.messages import Message
from context_compaction.view import Edited, Kept
from tests.machine.model import BranchModel, Key, Model, Pin, Said
from tests.machine.pruning import Needs

Line = str | tuple[int, int]
"""A message as JSON; or first and last number of some that are gone."""
Seen = list[tuple[Key, list[tuple[bool, int, list[Line], list[Pin]]]]]
"""Sessions with their branches, oldest first: whether active, where forked, what was said, pins."""
_GONE = re.compile(r"\[m:(\d+)(?:-m:(\d+))?: ")


def expected(model: Model) -> Seen:
    """What the model says."""
    return [
        (
            key,
            [
                (branch is session.active, branch.fork_at, lines(branch.log), branch.pins)
                for branch in session.branches
            ],
        )
        for key, session in model.sessions.items()
    ]


def lines(log: Iterable[Said], first: int = 1) -> list[Line]:
    """A history: each run of pruned messages is one line."""
    out: list[Line] = []
    for seq, said in enumerate(log, first):
        if not said.pruned:
            out.append(said.json)
        elif out and isinstance(run := out[-1], tuple):
            out[-1] = (run[0], seq)
        else:
            out.append((seq, seq))
    return out


def found(archive: Archive) -> Seen:
    """What the archive says."""
    seen: Seen = []
    for namespace, session_id in archive.sessions():
        branches = archive.branches(archive.open_session(namespace, session_id).branch)
        seen.append(
            ((namespace, session_id), [_branch(archive, b.id, b.active, b.fork_at) for b in branches])
        )
    return seen


def _branch(
    archive: Archive, branch: int, active: bool, fork_at: int
) -> tuple[bool, int, list[Line], list[Pin]]:
    rows, pins = archive.messages(branch), archive.state(branch).pins
    log = [Said(json.dumps(row.message.to_openai()), 0, 0.0, pruned=row.pruned) for row in rows]
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    return active, fork_at, lines(log), [(pin.seq, pin.text) for pin in pins]


def told(messages: Sequence[Message]) -> list[Line]:
    """What `Session.history` and `expand` gave."""
    return [
        (int(gone[1]), int(gone[2] or gone[1]))
        if message.format == "tombstone" and (gone := _GONE.match(message.text))
        else json.dumps(message.to_openai())
        for message in messages
    ]


def ids(archive: Archive, model: Model) -> dict[int, int]:
    """The archive's number of each branch of the model, by the model's."""
    numbers: dict[int, int] = {}
    for (namespace, session_id), session in model.sessions.items():
        there = archive.branches(archive.open_session(namespace, session_id).branch)
        numbers |= {ours.number: its.id for ours, its in zip(session.branches, there, strict=True)}
    return numbers


def needs(archive: Archive, model: Model) -> dict[int, Needs]:
    """What the present views show and the summaries stand for, by the model's number of the branch."""
    numbers = ids(archive, model)
    return {branch.number: _needs(archive, numbers[branch.number], branch) for branch in model.branches}


def _needs(archive: Archive, number: int, branch: BranchModel) -> Needs:
    view = archive.state(number).view
    replaced = {said.replaces for said in branch.log}
    tail = {seq for seq in range(view.head_end + 1, len(branch.log) + 1) if seq not in replaced}
    stands = {
        seq
        for summary in archive.summaries(number).values()
        for first, last in summary.ranges
        for seq in range(first, last + 1)
    }
    return Needs(
        shown=frozenset(tail | {entry.seq for entry in view.head if isinstance(entry, (Kept, Edited))}),
        covered=frozenset(stands),
        pinned=frozenset(pin.seq for pin in view.pins),
    )
