"""What a session is configured with, checked once; and what one call may override."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from context_compaction.budget import Budget
from context_compaction.counting import TokenCounter
from context_compaction.drafting import DrafterChain
from context_compaction.errors import InvalidPolicy
from context_compaction.messages import Message
from context_compaction.planner import switched_off
from context_compaction.policy import BARE_RULE, Policy, Rule, layered
from context_compaction.render import RenderOptions
from context_compaction.session.observers import ObserverLike
from context_compaction.tools import ToolRules

PRE_TURN_DEADLINE = 10.0
"""Seconds that a turn waits for a draft on HARD."""
POST_TURN_DEADLINE = 30.0
"""Seconds that a draft may take after a turn or asked for by hand."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything about a session that is not its conversation."""

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

    @property
    def disabled(self) -> bool:
        """Whether nothing is to be compacted: the `off` preset, or the environment says so."""
        return switched_off(self.policy)

    def manual_rule(self) -> Rule:
        """The rule whose ladder a compaction by hand runs."""
        return self.policy.post_turn or self.policy.pre_turn or layered()


@dataclass(frozen=True, slots=True)
class CallRule:
    """The pre-turn rule of one call."""

    rule: Rule
    whole_ladder: bool = False
    """Asked for through ``context_management``: compaction at the caller's threshold, drafts included."""


def pre_turn_rule(policy: Policy, context_management: Sequence[Mapping[str, Any]] | None) -> CallRule:
    """The pre-turn rule, or the one that a provider-style ``context_management`` asks for.

    Raises `InvalidPolicy` for an edit of another type or a threshold that is no positive number.
    """
    rule = policy.pre_turn or BARE_RULE
    for edit in context_management or ():
        threshold = edit.get("compact_threshold")
        if edit.get("type") != "compaction":
            raise InvalidPolicy(
                f"context_management type {edit.get('type')!r}: only 'compaction' is understood"
            )
        if threshold is None:
            continue
        if not isinstance(threshold, int) or isinstance(threshold, bool) or threshold <= 0:
            raise InvalidPolicy(f"compact_threshold is {threshold!r}; give a positive number of tokens")
        asked = rule if rule.ladder.rungs else layered()
        return CallRule(asked.with_trigger(("tokens", threshold)), whole_ladder=True)
    return CallRule(rule)
