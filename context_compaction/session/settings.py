"""What a session is configured with, checked once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from context_compaction.budget import Budget
from context_compaction.counting import TokenCounter
from context_compaction.drafting import DrafterChain
from context_compaction.messages import Message
from context_compaction.planner import switched_off
from context_compaction.policy import Policy, Rule, layered
from context_compaction.recall import Embedding
from context_compaction.render import RenderOptions
from context_compaction.session.observers import ObserverLike
from context_compaction.text.cues import Cues
from context_compaction.tools import ToolRules

PRE_TURN_DEADLINE = 10.0
"""Seconds that a turn waits for a draft on HARD."""
POST_TURN_DEADLINE = 30.0
"""Seconds that a draft may take after a turn or asked for by hand."""
_KINDS = {"session_id": str, "namespace": str, "budget": Budget, "policy": Policy, "tools": ToolRules}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything about a session that is not its conversation. Raises `TypeError` for what is none of it."""

    session_id: str
    namespace: str
    budget: Budget
    policy: Policy
    counter: TokenCounter
    chain: DrafterChain
    background: bool
    observers: tuple[ObserverLike, ...]
    is_pinned: Callable[[Message], bool] | None
    tools: ToolRules
    options: RenderOptions
    redact: Callable[[str], str] | None = None
    """Between what was said and a drafter, and over what that writes."""
    embedding: Embedding | None = None
    """What recall weighs meaning by, beside words."""

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(f"{name} is a {kind.__name__}, not {value!r:.80}")

    @property
    def cues(self) -> tuple[Cues, ...]:
        """By which standing instructions are told; none if they do not pin themselves."""
        return self.policy.instructions.cues if self.policy.instructions else ()

    @property
    def disabled(self) -> bool:
        """Whether nothing is to be compacted: the `off` preset, or the environment says so."""
        return switched_off(self.policy)

    def manual_rule(self) -> Rule:
        """The rule whose ladder a compaction by hand runs."""
        return self.policy.post_turn or self.policy.pre_turn or layered()
