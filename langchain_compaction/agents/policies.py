"""From SummarizationMiddleware's ``trigger`` and ``keep`` to a policy."""

from __future__ import annotations

from typing import Any, cast

from context_compaction import InvalidPolicy, Policy
from context_compaction.policy import layered

LEAST = 200
"""Tokens that a compaction must free where a number of messages triggers it."""

USUAL = 100
"""Tokens that a message is taken to have, to find the smaller one of triggers in tokens and in messages."""


def policy_of(policy: Policy | None, trigger: Any, keep: Any) -> Policy:
    """The policy that was passed, or the layered one with these sizes. Raises `InvalidPolicy`.

    A trigger in tokens or messages says how large a conversation is meant to be, however large the window:
    then all but what is kept leaves; that, and what a compaction must free, are shares of the trigger.

    The trigger is that of the compaction after an answer: an agent's session makes it when it knows what came
    of the answer, before it asks again. Whatever could be done before the answer is then a part of it, and
    would change twice what was sent, so there only what does not fit is compacted.
    """
    asked = {"trigger": trigger, "keep": keep}
    asked = {name: size for name, size in asked.items() if size is not None}
    if policy is not None and asked:
        raise InvalidPolicy(f"a policy has its own {' and '.join(asked)}: give one or the other")
    if policy is not None:
        return policy
    after: dict[str, Any] = {**_shares(trigger), **asked}
    before: dict[str, Any] = {**after, "trigger": ("fraction", 1.0)}
    # The recall tool looks up what left: nothing is recalled into a request, which begins with the last one.
    return Policy(pre_turn=layered(**before), post_turn=layered(**after), recall_share=None)


def _shares(trigger: Any) -> dict[str, Any]:
    triggers = cast("list[Any]", trigger if isinstance(trigger, list) else [trigger])
    sizes = [size for size in map(_absolute, triggers) if size is not None]
    if not sizes:
        return {}
    unit, number = min(sizes, key=lambda size: size[1] * (USUAL if size[0] == "messages" else 1))
    least = min(number // 20 if unit == "tokens" else LEAST for unit, number in sizes)
    kept, freed = (unit, max(1, number // 4)), ("tokens", least)
    return {"keep": kept, "min_reclaim": freed, "target": ("tokens", 0)}


def _absolute(size: Any) -> tuple[str, int] | None:
    """A size in tokens or messages; None for a fraction, and for what is none."""
    match size:
        case bool():
            return None
        case int():
            return "tokens", size
        case ("tokens" | "messages" as unit, int() as number):
            return unit, number
        case _:
            return None
