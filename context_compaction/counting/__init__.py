"""How many tokens things cost: tokenizers, an estimate without one, media, and what providers report."""

from context_compaction.counting.approximate import ApproximateCounter
from context_compaction.counting.base import (
    CALL_TOKENS,
    MESSAGE_TOKENS,
    REQUEST_TOKENS,
    RESULT_TOKENS,
    MediaPricing,
    TokenCounter,
)
from context_compaction.counting.calibration import Calibration
from context_compaction.counting.from_callable import CallableCounter
from context_compaction.counting.tiktoken_counter import TiktokenCounter
from context_compaction.counting.usage import Usage

__all__ = [
    "CALL_TOKENS",
    "MESSAGE_TOKENS",
    "REQUEST_TOKENS",
    "RESULT_TOKENS",
    "ApproximateCounter",
    "Calibration",
    "CallableCounter",
    "MediaPricing",
    "TiktokenCounter",
    "TokenCounter",
    "Usage",
]
