"""No pattern may take more than linear time: 100 KB on one line, of every kind that patterns stumble over."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS = 60  # quadratic patterns take hours on these; linear ones a second or two

PROGRAM = r"""
import random, threading
from context_compaction.counting import ApproximateCounter
from context_compaction.drafting.base import DraftRequest, Passage
from context_compaction.drafting.extractive import ExtractiveDrafter
from context_compaction.drafting.invented import without_invented
from context_compaction.drafting.leaks import leaked
from context_compaction.drafting.looping import loops
from context_compaction.drafting.prompt import Instructions
from context_compaction.text import dates, facts, intent, own_words, scoring, secrets, sentences, thinking

N = 100_000
units = [
    *("a", "A", "1", " ", ".", "/", "a/", "../", "a.b", "1.", "1,", "1:", "-", "_", "A_", "A1", "#1", "'"),
    *('"', "`", '" ', ' "', "$1 ", "E   ", "error: ", "Error", "XError: ", "<think>", "</think>", "{", "|"),
    *("http://", "://", "a@b.", "@", "\\", "C:\\", "[", "! ", "?", "。", "東京", "\t", "\x0b", "\u3000"),
    *("1 May ", "May 1 ", "12:34 ", "x(", 'f({"path": "', '\\"', "always ", "https://a/b?c=", "0x"),
    *("deadbeef", "a-", "\n", "\n ", "\r", "- ", "ok, ", "[m:1]", "## a "),
]
intents = [getattr(intent, name) for name in dir(intent) if name.startswith("is_")]
rng = random.Random(1)
texts = [(unit * (N // len(unit) + 1))[:N] for unit in units]
texts += ["".join(rng.choices(units, k=N // 2))[:N] for _ in range(3)]
for text in texts:
    facts.hard_facts(text, role="user")
    pieces = sentences.sentences(text)
    for check in (*intents, sentences.is_prose):
        check(text)
    scoring.terms_of(text)
    thinking.spoken_draft(text)
    own_words.own_words(text)
    secrets.redact_secrets(text)
    asked = DraftRequest("summary", (Passage("m:1", "user", text), Passage("m:2", "tool", text)), 512)
    for draft in (text, "## Goal and Standing Instructions\n- " + text):
        without_invented(draft[:20_000], asked)  # a cap is 2048 tokens
        loops(draft[:20_000], ["always"])
        leaked(draft[:20_000], Instructions.default(), asked.sections, [text])
    asked.prompt()
    dates.epoch(text)
    dates.epoch(text[:80])
drafter = ExtractiveDrafter(ApproximateCounter())
for role in ("user", "assistant", "tool", "summary"):
    passages = tuple(Passage(f"m:{index}", role, text) for index, text in enumerate(texts[::4], 1))
    drafter.draft([DraftRequest("summary", passages, 512)], cancel=threading.Event())
print("done")
"""


def test_long_lines_take_linear_time():
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.stdout == "done\n", ran.stderr[-2000:]
