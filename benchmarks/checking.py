"""What checks and redactor do to honest text: recorded conversations, and extractive drafts of them."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks import Skipped, Table
from context_compaction import DrafterError, DraftRequest, ExtractiveDrafter, Message, redact_secrets
from context_compaction.counting import ApproximateCounter
from context_compaction.drafting import Passage
from context_compaction.drafting.checks import checked
from context_compaction.drafting.transcript import source_tokens
from context_compaction.render.recording import log_window
from context_compaction.strategies import passage_of

RANGES = ((20, 256), (60, 512), (150, 1024), (10_000, 2048))
"""Messages in a range, and the cap of its draft."""
LEAVES = 5
"""Drafts that are distilled into one."""
COUNTER = ApproximateCounter()


@dataclass(slots=True)
class Tally:
    """What was seen in one folder."""

    drafts: int = 0
    rejected: Counter[str] = field(default_factory=Counter[str])
    touched: int = 0
    checking: float = 0.0
    characters: int = 0
    redacting: float = 0.0
    hits: Counter[str] = field(default_factory=Counter[str])


def run(data: Path | None) -> Table:
    """A row for each folder of conversations."""
    folders = sorted(path for path in data.iterdir() if path.is_dir()) if data else []
    if not folders:
        raise Skipped("no conversations; name a folder with --data DIR")
    tallies = {folder.name: _tally(folder) for folder in folders}
    rows = [[name, *_cells(tally)] for name, tally in tallies.items()]
    columns = ("", "drafts", "rejected", "changed", "ms each", "characters", "secrets by kind", "MB/s")
    ranges = ", ".join(f"{size} messages to {cap}" for size, cap in RANGES)
    notes = [
        f"drafts: extractive, of {ranges} tokens (10000: all), and of {LEAVES} of those distilled",
        "changed: drafts that lost an instruction which nobody gave; both should be 0",
        "secrets: what redact_secrets takes away from the messages; look at a hit before it is believed",
    ]
    return Table("Honest drafts under the checks, recorded words under the redactor", columns, rows, notes)


def _cells(tally: Tally) -> Sequence[str]:
    rejected = ", ".join(f"{count} {why}" for why, count in tally.rejected.items()) or "0"
    hits = ", ".join(f"{count} {kind}" for kind, count in tally.hits.most_common()) or "0"
    speed = tally.characters / max(tally.redacting, 1e-9) / 1e6
    each = 1000 * tally.checking / max(1, tally.drafts)
    return (
        str(tally.drafts),
        rejected,
        str(tally.touched),
        f"{each:.1f}",
        str(tally.characters),
        hits,
        f"{speed:.1f}",
    )


def _tally(folder: Path) -> Tally:
    tally = Tally()
    for path in sorted(folder.rglob("*.json")):
        messages = json.loads(path.read_text(encoding="utf-8")).get("messages") or []
        log = log_window([Message.from_openai(message) for message in messages], COUNTER, references=True)
        passages = [passage_of(record) for record in log.after(0)]
        for asked in _requests(passages):
            _check(asked, tally)
        _redact(messages, tally)
    return tally


def _requests(passages: Sequence[Passage]) -> Iterator[DraftRequest]:
    drafter = ExtractiveDrafter(COUNTER)
    for size, cap in RANGES:
        texts: list[str] = []
        for first in range(0, len(passages), size):
            asked = DraftRequest("summary", tuple(passages[first : first + size]), cap)
            asked = replace(asked, max_tokens=min(cap, source_tokens(asked, COUNTER)))
            texts.append(drafter.write(asked))
            yield asked
        for first in range(0, len(texts), LEAVES):
            sources = [
                Passage(f"s:{n}", "summary", text) for n, text in enumerate(texts[first : first + LEAVES])
            ]
            yield DraftRequest("distill", tuple(sources), cap)


def _check(asked: DraftRequest, tally: Tally) -> None:
    text = ExtractiveDrafter(COUNTER).write(asked)
    tally.drafts += 1
    start = time.perf_counter()
    try:
        tally.touched += checked(text, asked, COUNTER, source_tokens(asked, COUNTER)) != (text, "")
    except DrafterError as error:
        tally.rejected[str(error)] += 1
    tally.checking += time.perf_counter() - start


def _redact(messages: Sequence[dict[str, object]], tally: Tally) -> None:
    for message in messages:
        text = json.dumps(message, ensure_ascii=False)
        start = time.perf_counter()
        shown = redact_secrets(text)
        tally.redacting += time.perf_counter() - start
        tally.characters += len(text)
        if shown != text:
            tally.hits.update(re.findall(r"\[redacted:([\w-]+)\]", shown))
