"""From SummarizationMiddleware's sizes to a policy."""

from __future__ import annotations

from typing import Any

import pytest

from context_compaction import Policy
from langchain_compaction.agents.policies import policy_of


@pytest.mark.parametrize(
    ("trigger", "before", "after"),
    [
        (None, 0.25, 0.05),
        (("fraction", 0.8), 0.25, 0.05),
        (("tokens", 20_000), 5000, 1000),
        (("messages", 50), 1000, 200),
        ([("tokens", 20_000), ("messages", 50)], 1000, 200),
    ],
)
def test_what_changes_a_request_in_the_middle_of_a_turn_must_be_worth_it(
    trigger: Any, before: float, after: float
):
    policy = policy_of(None, trigger, None)
    assert policy.pre_turn is not None
    assert policy.post_turn is not None
    assert policy.pre_turn.min_reclaim[1] == pytest.approx(before)
    assert policy.post_turn.min_reclaim[1] == pytest.approx(after)
    assert policy.pre_turn.trigger == policy.post_turn.trigger
    assert policy.pre_turn.target == policy.post_turn.target


def test_nothing_is_recalled_into_a_request_unless_a_policy_says_so():
    assert policy_of(None, None, None).recall_share is None
    own = Policy.layered(recall_share=("fraction", 0.1))
    assert policy_of(own, None, None) is own
