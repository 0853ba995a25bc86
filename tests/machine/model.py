"""What the package promises about a conversation, as plain lists. It knows nothing of the engine.

A log is a list; a branch that shares its ancestor's log holds the very same `Said` objects, so what is
pruned is pruned for all who see it. Whoever said a message first owns it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

Dict = dict[str, Any]
Key = tuple[str, str]
"""Namespace and session id."""
Pin = tuple[int, str]
"""The number of a message, and what of it stays word for word."""
HEAD_ROLES = ("system", "developer")


@dataclass(eq=False, slots=True)
class Said:
    """One message of a log."""

    json: str
    """As it was appended."""
    owner: int
    """The branch that it was said in."""
    at: float
    """When it was stored, in seconds."""
    replaces: int | None = None
    """The number of the head message that it stands in for, 0 if it joins the head; None for all else."""
    pruned: bool = False

    @property
    def message(self) -> Dict:
        return json.loads(self.json)

    @property
    def role(self) -> str:
        return self.message["role"]


@dataclass(eq=False, slots=True)
class BranchModel:
    """One line of a session's history."""

    number: int
    """Counts the branches of the archive, in the order they began."""
    log: list[Said] = field(default_factory=list[Said])
    fork_at: int = 0
    pins: list[Pin] = field(default_factory=list[Pin])

    @property
    def head(self) -> list[tuple[int, Said]]:
        """The system messages in front as they stand, with their numbers: those replaced are not there."""
        first = takewhile(lambda said: said.role in HEAD_ROLES, self.log)
        standing = [seq for seq, said in enumerate(first, 1) if said.replaces is None]
        for seq, said in enumerate(self.log, 1):
            if said.replaces in standing:
                standing[standing.index(said.replaces)] = seq
            elif said.replaces is not None:
                standing.append(seq)
        return [(seq, self.log[seq - 1]) for seq in standing]

    @property
    def body(self) -> list[tuple[int, Said]]:
        """All behind the head, with their numbers."""
        spoken = [(seq, said) for seq, said in enumerate(self.log, 1) if said.replaces is None]
        first = next((n for n, (_, said) in enumerate(spoken) if said.role not in HEAD_ROLES), len(spoken))
        return spoken[first:]


@dataclass(eq=False, slots=True)
class SessionModel:
    """One conversation: its branches, oldest first, and the one that it goes on with."""

    number: int
    branches: list[BranchModel]
    active: BranchModel


@dataclass(slots=True)
class Model:
    """All of an archive."""

    sessions: dict[Key, SessionModel] = field(default_factory=dict[Key, SessionModel])
    now: float = 1_000_000.0
    begun: int = 0
    """How many branches and sessions there ever were."""

    @property
    def branches(self) -> list[BranchModel]:
        """Of all sessions."""
        return [branch for session in self.sessions.values() for branch in session.branches]

    def active(self, key: Key) -> BranchModel:
        """The branch that a session goes on with."""
        return self.sessions[key].active

    def open(self, key: Key) -> None:
        """Begin a session, if it is not there."""
        if key not in self.sessions:
            branch = self._branch()
            self.sessions[key] = SessionModel(branch.number, [branch], branch)

    def append(self, key: Key, *messages: Dict, replaces: int | None = None) -> None:
        """Say something on the session's active branch."""
        branch = self.active(key)
        branch.log += [Said(json.dumps(message), branch.number, self.now, replaces) for message in messages]

    def fork(self, key: Key, at: int, other: Key | None = None, source: BranchModel | None = None) -> None:
        """Branch off behind message ``at``: the session goes on there, or the branch is a session itself."""
        source = source or self.active(key)
        branch = self._branch()
        branch.log, branch.fork_at = source.log[:at], at
        branch.pins = [pin for pin in source.pins if pin[0] <= at]
        if other is None:
            self.sessions[key].branches.append(branch)
            self.sessions[key].active = branch
        else:
            self.sessions[other] = SessionModel(branch.number, [branch], branch)

    def switch(self, key: Key, place: int) -> None:
        """Go on with another branch of the session."""
        self.sessions[key].active = self.sessions[key].branches[place]

    def pin(self, key: Key, seq: int, text: str) -> None:
        """The same pin twice is one."""
        pins = self.active(key).pins
        if (seq, text) not in pins:
            pins.append((seq, text))

    def unpin(self, key: Key, seq: int) -> None:
        """Every pin on the message."""
        branch = self.active(key)
        branch.pins = [pin for pin in branch.pins if pin[0] != seq]

    def forked_from(self, key: Key) -> list[Key]:
        """The other sessions that share messages which were said in this one."""
        own = {branch.number for branch in self.sessions[key].branches}
        return [
            other
            for other, session in self.sessions.items()
            if other != key and any(said.owner in own for branch in session.branches for said in branch.log)
        ]

    def forget(self, key: Key, *, cascade: bool) -> None:
        """Erase a session, with those forked from it, or leaving them what they share."""
        going = [key]
        while cascade and (
            more := [other for one in going for other in self.forked_from(one) if other not in going]
        ):
            going += dict.fromkeys(more)
        for branch in [branch for one in going for branch in self.sessions.pop(one).branches]:
            self._bequeath(branch)

    def _bequeath(self, branch: BranchModel) -> None:
        """What others see of a branch goes to the session that sees most of it, the oldest of several."""
        seen: dict[int, int] = {}
        heirs: list[BranchModel] = []
        for session in self.sessions.values():
            for other in session.branches:
                if last := max(
                    (n for n, said in enumerate(other.log, 1) if said.owner == branch.number), default=0
                ):
                    seen[session.number] = max(last, seen.get(session.number, 0))
                    heirs.append(other)
        if seen:
            most = max(seen, key=lambda number: (seen[number], -number))
            branch.log = branch.log[: seen[most]]
            branch.pins = [pin for pin in branch.pins if any(pin in heir.pins for heir in heirs)]
            owner = next(session for session in self.sessions.values() if session.number == most)
            owner.branches = sorted([*owner.branches, branch], key=lambda found: found.number)

    def _branch(self) -> BranchModel:
        self.begun += 1
        return BranchModel(self.begun)


def pin_text(message: Dict) -> str:
    """All that a pin on a whole message keeps: its text, and its calls."""
    content = message.get("content") or ""
    parts = content if isinstance(content, list) else [{"text": content}]
    texts = [part["text"] for part in parts if "text" in part]
    calls = [call["function"] for call in message.get("tool_calls", ())]
    whole = [text for text in ("\n".join(texts), *(f"{c['name']}({c['arguments']})" for c in calls)) if text]
    return "\n".join(whole)
