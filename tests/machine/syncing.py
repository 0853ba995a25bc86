"""What `Session.sync` promises, for lists whose messages are all different."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tests.checker.log import pair
from tests.machine.model import HEAD_ROLES, BranchModel, Dict, Key, Model, SessionModel


@dataclass(frozen=True, slots=True)
class Synced:
    """What is to be told of it."""

    kind: str
    appended: int
    superseded: int
    forked_at: int | None


def chat(branch: BranchModel) -> tuple[list[Dict], list[Dict]]:
    """System head and body of the list that somebody would keep of a branch."""
    return [said.message for _, said in branch.head], [said.message for _, said in branch.body]


def sync(model: Model, key: Key, head: Sequence[Dict], body: Sequence[Dict]) -> Synced:
    """Make the log of a session equal a list, or one that its beginning was trimmed from."""
    session = model.sessions[key]
    before = session.active
    start, missing, agreed = _start(before, session.branches, body)
    rest = list(body[agreed - missing :])
    at = _leaves_at(start, agreed, head)
    forked = at < len(start.log)
    if forked:
        model.fork(key, at, source=start)
    else:
        session.active = start
    superseded = _head(model, key, head) if at else 0
    fresh = rest if at else [*head, *rest]
    model.append(key, *fresh)
    moved = "forked" if forked else "switched"
    stayed = "grown" if superseded or fresh else "unchanged"
    kind = stayed if session.active is before else moved
    return Synced(kind, len(fresh), superseded, at if forked else None)


def is_open(session: SessionModel, body: Sequence[Dict]) -> bool:
    """Whether a list may be read in two ways: all that it lacks at the end of a branch is not in what the
    branch shows. It was pruned, or is a quoted result that waits for an open batch. Then it is an older list,
    or one that goes on from there.
    """
    for branch in session.branches:
        agreed = _agreeing([said.json for _, said in branch.body], body)
        rest = branch.body[agreed:]
        if rest and all(said.pruned or seq in _quoted(branch) for seq, said in rest):
            return True
    return False


def _quoted(branch: BranchModel) -> set[int]:
    """The results that came too late, or for no call."""
    heads = [seq for seq, said in enumerate(branch.log, 1) if said.replaces is not None]
    pairing = pair([said.message for said in branch.log], heads)
    return pairing.orphans | pairing.late.keys()


def _start(
    here: BranchModel, branches: Sequence[BranchModel], body: Sequence[Dict]
) -> tuple[BranchModel, int, int]:
    """The branch that the list goes on from; how many messages of its body the list lacks at the beginning,
    and up to which they agree.

    The present branch, if the list has it to its end. Else one of the others that it has to their end, if
    that is no less of the list; also where the present one said nothing of its own yet, if that is more.
    """
    texts = [said.json for _, said in here.body]
    missing = texts.index(first) if body and (first := json.dumps(body[0])) in texts else 0
    shared = _agreeing(texts[missing:], body)
    whole = missing + shared == len(texts)
    nothing_own = max((seq for seq, _ in here.body), default=0) <= here.fork_at
    if not whole or (nothing_own and shared < len(body)):
        others = [(other, len(other.body)) for other in reversed(branches) if other is not here]
        held = [
            (other, length)
            for other, length in others
            if 0 < length == _agreeing([said.json for _, said in other.body], body)
        ]
        longest, length = max(held, key=lambda found: found[1], default=(here, 0))
        if length >= max(1, shared + whole):
            return longest, 0, length
    return here, missing, missing + shared


def _agreeing(texts: Sequence[str], body: Sequence[Dict]) -> int:
    pairs = zip(texts, map(json.dumps, body), strict=False)
    return next((n for n, (one, other) in enumerate(pairs) if one != other), min(len(texts), len(body)))


def _leaves_at(branch: BranchModel, agreed: int, head: Sequence[Dict]) -> int:
    """The number of the last message that the list and the branch share."""
    if agreed == len(branch.body):
        return len(branch.log)
    if agreed:
        return branch.body[agreed - 1][0]
    return branch.body[0][0] - 1 if head else 0


def _head(model: Model, key: Key, head: Sequence[Dict]) -> int:
    """Changed system messages each replace the one in their place, further ones join; how many that were."""
    standing = model.active(key).head
    written = 0
    for place, message in enumerate(head):
        assert message["role"] in HEAD_ROLES
        seq, said = standing[place] if place < len(standing) else (0, None)
        if said is None or said.json != json.dumps(message):
            model.append(key, message, replaces=seq)
            written += 1
    return written
