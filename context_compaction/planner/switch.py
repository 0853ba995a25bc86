"""Whether compaction is on at all."""

from __future__ import annotations

import os

from context_compaction.policy import Policy

DISABLE_VARIABLE = "CONTEXT_COMPACTION_DISABLE"


def switched_off(policy: Policy) -> bool:
    """Whether nothing is to be compacted: the `off` preset, or the environment says so."""
    return not policy.enabled or os.environ.get(DISABLE_VARIABLE, "") not in ("", "0")


def off_reason(tokens: int, input_tokens: int) -> str:
    """What warning and event say when the whole log is over the budget all the same."""
    return f"compaction is off: {tokens} tokens, the input budget is {input_tokens}"
