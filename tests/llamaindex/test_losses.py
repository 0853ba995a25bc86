"""Where LlamaIndex's memories lose something, ours does not: the right column of ``benchmarks losses``."""

from __future__ import annotations

import re

import pytest

from benchmarks._losses import losses, told

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of LlamaIndex's own agents
OURS = {
    "40 messages put at once": "40",
    "10 sessions in one store": "100",
    "set() after something left": "40",
    "its block or summary raises": "40",
    "20 answers with 500 tokens of thinking": "at most 2,000 tokens",
    "the system message": "yes",
    "one question of 2,400 tokens": "at most 600 tokens",
    "an empty list is put": "nothing happens",
    "an image in a buffer is put": "kept",
    "a workflow's Context": "4 of 4",
    "the same": "4 of 4",
    "a result over the limit": "user, assistant, tool",
    "10 calls of 500 tokens": "at most 600 tokens",
    "to_string()": "works",
    "a prompt over the limit": "1 message shown",
    "a workflow's state in what was said": "What is a tide?",
    "its LLM raises": "40",
    "originals after a summary": "40",
    "without an LLM": "40",
    "a question over the limit": "yes",
    "the summary, to a ReActAgent's model": "seen",
    "5 results of 2,000 tokens in a turn": "at most 3,000 tokens",
}


@pytest.mark.parametrize("loss", losses(), ids=lambda loss: f"{loss.whose}: {loss.what}")
def test_ours_loses_nothing(loss):
    expected = next(ours for what, ours in OURS.items() if loss.what.startswith(what))
    found = told(loss.ours)
    if limit := re.fullmatch(r"at most ([\d,]+) tokens", expected):
        tokens = re.fullmatch(r"([\d,]+) tokens", found)
        assert tokens, found
        assert int(tokens[1].replace(",", "")) <= int(limit[1].replace(",", ""))
    else:
        assert found == expected
