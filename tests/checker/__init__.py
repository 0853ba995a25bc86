"""The judge: an independent reading of the design that shares no code with the engine.

It works on plain OpenAI-format dicts: the log as it was appended, and the list a model would be shown.
"""

from __future__ import annotations

from tests.checker.budget import check_budget, independent_count
from tests.checker.conservation import check_conservation
from tests.checker.floor import Floor, Terms, floor
from tests.checker.prefix import Prefix, check_prefix, compare
from tests.checker.problem import ChatMessage, CountList, Problem
from tests.checker.recalled import check_recalled
from tests.checker.request import Request
from tests.checker.structure import check_structure

__all__ = [
    "ChatMessage",
    "CountList",
    "Floor",
    "Prefix",
    "Problem",
    "Request",
    "Terms",
    "check_prefix",
    "check_request",
    "compare",
    "floor",
    "independent_count",
]


def check_request(request: Request) -> list[Problem]:
    """Every rule that one request alone can break: structure, conservation, recall, budget."""
    return [
        *check_structure(request),
        *check_conservation(request),
        *check_recalled(request),
        *check_budget(request),
    ]
