"""What a prune may let go of, given what each branch shows and what its summaries stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.checker.log import groups, pair
from tests.machine.model import HEAD_ROLES, BranchModel, Model, Said


@dataclass(frozen=True, slots=True)
class Needs:
    """What is told of a branch's view."""

    shown: frozenset[int]
    """Messages that stand in it, as they were or edited."""
    covered: frozenset[int]
    """Messages that a summary stands for."""
    pinned: frozenset[int]
    """Messages that a pin of it names."""


def may_go(
    model: Model, needs: Mapping[int, Needs], *, uncovered: bool, before: float | None
) -> list[list[Said]]:
    """The groups that a prune takes: by age those stored up to ``before``, else by size to nothing.

    ``needs`` by the number of the branch.
    """
    return [
        group
        for group in _groups(model.branches)
        if all(_released(said, model, needs, uncovered=uncovered) for said in group)
        and (all(said.at <= before for said in group) if before is not None else not _recent(group, model))
    ]


def _groups(branches: Iterable[BranchModel]) -> list[list[Said]]:
    """A call and all its results, in whichever branch they came; of what is there still."""
    group_of: dict[Said, list[Said]] = {}
    for branch in branches:
        spoken = [said for said in branch.log if said.replaces is None]
        chat = [said.message for said in spoken]
        for said in branch.log:
            group_of.setdefault(said, [said])
        for group in groups(chat, pair(chat)):
            together = dict.fromkeys(said for seq in sorted(group) for said in group_of[spoken[seq - 1]])
            for said in together:
                group_of[said] = list(together)
    unique = {id(group[0]): group for group in map(_there, group_of.values()) if group}
    return list(unique.values())


def _there(group: list[Said]) -> list[Said]:
    return [said for said in group if not said.pruned]


def _released(said: Said, model: Model, needs: Mapping[int, Needs], *, uncovered: bool) -> bool:
    """Whether all who see a message can do without it."""
    if said.role in HEAD_ROLES:
        return False
    for branch in model.branches:
        if said not in branch.log:
            continue
        seq, need = branch.log.index(said) + 1, needs[branch.number]
        if seq in need.pinned or seq in {pin for pin, _ in branch.pins} or seq == _waiting(branch):
            return False
        if not uncovered and (seq in need.shown or seq not in need.covered):
            return False
    return True


def _waiting(branch: BranchModel) -> int:
    """The number of a last assistant message with calls that can still be answered in time; 0 for none."""
    spoken = [(seq, said.message) for seq, said in enumerate(branch.log, 1) if said.replaces is None]
    chat = [message for _, message in spoken]
    last = max((n for n, message in enumerate(chat, 1) if message["role"] != "tool"), default=0)
    return spoken[last - 1][0] if last and pair(chat).open_calls(last, chat[last - 1]) else 0


def _recent(group: list[Said], model: Model) -> bool:
    """Whether any of it is of the last turn of a branch."""
    for branch in model.branches:
        users = [seq for seq, said in enumerate(branch.log, 1) if said.role == "user"]
        turn = branch.log[(users[-1] if users else len(branch.log)) - 1 :] if branch.log else []
        if any(said in turn for said in group):
            return True
    return False
