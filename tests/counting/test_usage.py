"""Reports of providers, in all their dialects."""

from types import SimpleNamespace

import pytest

from context_compaction.counting import Usage

DIALECTS = {
    "openai chat": {
        "prompt_tokens": 100,
        "completion_tokens": 7,
        "total_tokens": 107,
        "prompt_tokens_details": {"cached_tokens": 64},
    },
    "openai responses": {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 64},
        "output_tokens": 7,
    },
    "anthropic": {
        "input_tokens": 6,
        "cache_read_input_tokens": 64,
        "cache_creation_input_tokens": 30,
        "output_tokens": 7,
    },
    "langchain": {
        "input_tokens": 100,
        "output_tokens": 7,
        "total_tokens": 107,
        "input_token_details": {"cache_read": 64, "cache_creation": 30},
    },
    "parted": {"input": 6, "output": 7, "cacheRead": 64, "cacheWrite": 30},
    "bedrock": {"inputTokens": 6, "outputTokens": 7, "cacheReadInputTokens": 64, "cacheWriteInputTokens": 30},
    "gemini": {"prompt_token_count": 100, "candidates_token_count": 4, "thoughts_token_count": 3},
}


@pytest.mark.parametrize("report", DIALECTS.values(), ids=DIALECTS)
def test_every_dialect_reads_the_same(report: dict[str, object]):
    assert Usage.from_any(report) == Usage(100, 7)
    assert Usage.from_any(SimpleNamespace(**report)) == Usage(100, 7)


def test_usage_passes_through_and_adds_up():
    usage = Usage(100, 7)
    assert Usage.from_any(usage) is usage
    assert usage.total_tokens == 107


def test_absent_and_null_parts_are_nothing():
    report = {"input_tokens": 5, "cache_read_input_tokens": None, "output_tokens": None}
    assert Usage.from_any(report) == Usage(5, 0)


@pytest.mark.parametrize(
    "wrong", [{}, {"tokens": 5}, {"input_tokens": "5"}, {"prompt_tokens": True}, None, 5]
)
def test_what_is_no_report_is_refused(wrong: object):
    with pytest.raises(ValueError, match="usage"):
        Usage.from_any(wrong)


def test_negative_usage_is_refused():
    with pytest.raises(ValueError, match="-1"):
        Usage(-1)
    with pytest.raises(ValueError, match="-2"):
        Usage(5, -2)
