"""What one call asks for: the pre-turn rule, or a provider-style ``context_management`` in its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from context_compaction.errors import InvalidPolicy
from context_compaction.policy.presets import layered
from context_compaction.policy.rule import BARE_RULE, Policy, Rule


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
    for edit in _edits(context_management):
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
        # A share of what was asked for: one of the window may be more than there is to free.
        least = ("tokens", threshold // 20)
        return CallRule(asked.with_trigger(("tokens", threshold), least), whole_ladder=True)
    return CallRule(rule)


def _edits(asked: Any) -> Iterable[Mapping[str, Any]]:
    if asked is None:
        return ()
    if isinstance(asked, Iterable) and all(
        isinstance(edit, Mapping) for edit in cast("Iterable[Any]", asked)
    ):
        return cast("Iterable[Mapping[str, Any]]", asked)
    raise InvalidPolicy(
        f"context_management is {asked!r:.80}; give a list of edits such as "
        '[{"type": "compaction", "compact_threshold": 8000}]'
    )
