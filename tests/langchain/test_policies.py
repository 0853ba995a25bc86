"""From SummarizationMiddleware's sizes to a policy."""

from __future__ import annotations

from typing import Any

import pytest

from context_compaction import Policy
from langchain_compaction.agents.policies import policy_of


@pytest.mark.parametrize(
    ("trigger", "tokens", "messages"),
    [
        (None, 27_000, 10),
        (("fraction", 0.8), 25_000, 10),
        (("tokens", 20_000), 21_000, 10),
        (("messages", 50), 100, 51),
        ([("tokens", 20_000), ("messages", 50)], 100, 51),
    ],
)
def test_before_an_answer_only_what_does_not_fit_is_compacted(trigger: Any, tokens: int, messages: int):
    """What was sent would change twice: then, and for the compaction that follows."""
    policy = policy_of(None, trigger, None)
    assert policy.pre_turn is not None
    assert policy.post_turn is not None
    assert policy.post_turn.level(tokens, messages, 30_000) == "soft"
    assert policy.pre_turn.level(tokens, messages, 30_000) == "none"
    assert policy.pre_turn.level(30_001, messages, 30_000) == "hard"
    assert policy.pre_turn.target == policy.post_turn.target
    assert policy.pre_turn.keep == policy.post_turn.keep


def test_nothing_is_recalled_into_a_request_unless_a_policy_says_so():
    assert policy_of(None, None, None).recall_share is None
    own = Policy.layered(recall_share=("fraction", 0.1))
    assert policy_of(own, None, None) is own
