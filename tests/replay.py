"""Replays a conversation through the package and judges every request (design §12).

`python -m tests.replay FILE... --windows 2048,4096 --presets layered,masking` prints one table.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from context_compaction import Budget, Message, Policy, Session, TokenCounter, open_archive
from context_compaction.errors import CannotCompact
from tests.checker import (
    Problem,
    Request,
    Terms,
    check_prefix,
    check_request,
    compare,
    floor,
    independent_count,
)
from tests.checker.context_message import is_recalled
from tests.checker.floor import SLACK
from tests.checker.problem import ChatMessage, CountList
from tests.checker.rearming import Attempt, Rearming, check_rearming
from tests.data import load
from tests.replayed import HEADING, Replayed, ReplayReport, SessionFactory, Shown, row

PRESETS = ("layered", "masking", "truncating", "extractive", "anchored")
TRIGGERS = {"truncating": 0.90, "extractive": 0.75}
"""Triggers by preset as shares of the input (design §6); .85 for the others."""
MIN_RECLAIM = 0.05
SAMPLE = 20
"""Messages expanded at the end of a replay."""
SUMMARY_REF = re.compile(r'<[^<>]*\bref="(s:\d+)"')


@dataclass(slots=True)
class Replay:
    """One run: the session, what it was given so far, and the report in the making."""

    session: Replayed
    report: ReplayReport
    input_tokens: int
    counts: Mapping[str, CountList]
    log: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    previous: list[dict[str, Any]] | None = None
    seen_events: int = 0
    sizes: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    def add(self, messages: Sequence[dict[str, Any]]) -> None:
        """Append to the session and to the log that it is judged by."""
        if messages:
            self.session.append(messages if len(messages) > 1 else messages[0:1])
            self.log.extend(messages)

    def request(self) -> None:
        """One request to the model, judged."""
        self.report.requests += 1
        floors = [floor(self.log, Terms(self.input_tokens, count)) for count in self.counts.values()]
        self.report.forced += floors[0].forces(self.input_tokens)
        try:
            shown = plain(self.session.context())
        except CannotCompact as refusal:
            self.report.refusals += 1
            if not any(least.justifies(self.input_tokens) for least in floors):
                self.problem("refused", f"{floors[-1]} fits {self.input_tokens}; engine says: {refusal}")
            return
        self._judge(shown)
        if plain(self.session.context()) != shown:
            self.problem("idempotent", "a second context() without appends differs")

    def _judge(self, shown: list[dict[str, Any]]) -> None:
        request = Request(tuple(self.log), shown, self.input_tokens, self.counts)
        where = f"request {self.report.requests} at m:{len(self.log)}"
        self._take(check_request(request), where)
        if self.previous is not None:
            prefix = compare(self.previous, shown, self.log)
            self.report.shares.append(prefix.share)
            self.report.prefix_changes += prefix.common < prefix.previous
            self._take(check_prefix(self.previous, shown, self.log, self._committed()), where)
        self.previous, self.seen_events = shown, len(self.session.events)
        view = [message for message in shown if not is_recalled(message, self.log)]
        self.sizes.append((len(self.log), request.count(view)))  # triggers do not look at the block

    def _take(self, problems: Sequence[Problem], where: str) -> None:
        self.report.problems += [Problem(p.rule, f"{where}, {p.where}", p.what) for p in problems]

    def _committed(self) -> bool:
        return any(event.committed for event in self.session.events[self.seen_events :])

    def problem(self, rule: str, what: str) -> None:
        """Note a problem at the present place."""
        self.report.problems.append(
            Problem(rule, f"request {self.report.requests} at m:{len(self.log)}", what)
        )

    def finish(self, trigger: float) -> None:
        """Judge the history and the events as a whole."""
        back = plain(self.session.history())
        if back != self.log:
            wrong = [
                seq for seq, pair in enumerate(zip(back, self.log, strict=False), 1) if pair[0] != pair[1]
            ]
            self.problem("history", f"{len(back)} of {len(self.log)} messages, different: {wrong[:5]}")
        self._expand()
        events = list(self.session.events)
        self.report.compactions = sum(event.committed for event in events)
        self.report.problems += [
            Problem("grew", f"m:{event.at_seq}", f"{event.tokens_before} -> {event.tokens_after}")
            for event in events
            if event.committed and event.tokens_after > event.tokens_before
        ]
        self.report.problems += check_rearming(soft_attempts(events), self.sizes, self._rearming(trigger))

    def _expand(self) -> None:
        """Design §4.8: references resolve, a sample of messages and every summary shown last."""
        for seq in range(1, len(self.log) + 1, max(1, len(self.log) // SAMPLE)):
            if self.log[seq - 1] not in plain(self.session.expand(f"m:{seq}")):
                self.problem("expand", f"m:{seq} does not lead to its message")
        shown = " ".join(str(message.get("content")) for message in (self.previous or []))
        for ref in sorted(set(SUMMARY_REF.findall(shown))):
            found = plain(self.session.expand(ref))
            if not found or any(message not in self.log for message in found):
                self.problem("expand", f"{ref} does not lead to messages of the log")

    def _rearming(self, trigger: float) -> Rearming:
        terms = Terms(self.input_tokens, list(self.counts.values())[-1])
        return Rearming(
            trigger=int(self.input_tokens * trigger),
            min_reclaim=int(self.input_tokens * MIN_RECLAIM),
            floor_at=lambda length: floor(self.log[:length], terms).total,
            slack=SLACK,
        )


def engine_count(messages: Sequence[ChatMessage]) -> int:
    """Tokens of a list by the package's own counter."""
    return _engine_counter().messages([]) + sum(_engine_tokens(json.dumps(message)) for message in messages)


@lru_cache(maxsize=1)
def _engine_counter() -> TokenCounter:
    return TokenCounter.of(None)


@lru_cache(maxsize=100_000)
def _engine_tokens(message: str) -> int:
    return _engine_counter().message(Message.from_openai(json.loads(message)))


COUNTS: Mapping[str, CountList] = {"independent": independent_count, "engine": engine_count}
"""The counters that a replay is judged by: none may find a request too long."""


def plain(messages: Sequence[Shown]) -> list[dict[str, Any]]:
    """Messages in OpenAI's chat format."""
    return [message.to_openai() for message in messages]


def soft_attempts(events: Sequence[Any]) -> list[Attempt]:
    """The SOFT attempts among the session's events."""
    return [
        Attempt(event.trigger, event.tokens_before, event.tokens_after, event.committed, event.at_seq)
        for event in events
        if event.level == "soft"
    ]


def replay(
    messages: Sequence[dict[str, Any]],
    session_factory: SessionFactory,
    *,
    window: int,
    name: str = "",
    preset: str = "",
    post_turn: Literal["inline"] | None = None,
    one_by_one: bool = False,
    counts: Mapping[str, CountList] | None = None,
) -> ReplayReport:
    """Replay a conversation: `context()` before every assistant message, each request judged.

    With `post_turn="inline"` the post-turn side runs before each user message. `one_by_one` appends each
    message on its own, else all between two assistant messages go in at once.
    """
    reserve = reserve_of(window)
    session = session_factory(window, reserve)
    report = ReplayReport(name, window, preset)
    run = Replay(session, report, window - reserve, counts or COUNTS)
    try:
        for batch, asks in batches(messages, one_by_one=one_by_one):
            if post_turn and run.log and any(message.get("role") == "user" for message in batch):
                session.after_turn()
            run.add(batch)
            if asks:
                run.request()
        run.finish(TRIGGERS.get(preset, 0.85))
    finally:
        session.close()
    return report


def reserve_of(window: int) -> int:
    """Room left for the answer, in tokens (design §12)."""
    return max(256, window // 10)


def batches(
    messages: Sequence[dict[str, Any]], *, one_by_one: bool
) -> Iterator[tuple[list[dict[str, Any]], bool]]:
    """What to append at once, and whether a request follows: true right before each assistant message."""
    batch: list[dict[str, Any]] = []
    for message in messages:
        if message.get("role") == "assistant" or one_by_one:
            yield batch, message.get("role") == "assistant"
            batch = []
        batch.append(message)
    yield batch, False


def session_factory(preset: str, *, path: str | Path = ":memory:") -> SessionFactory:
    """Sessions of one preset, without a model."""

    def make(window: int, reserve: int) -> Session:
        policy = Policy.named(preset)
        budget = Budget(context_window=window, reserve_tokens=reserve)
        return Session(
            open_archive(path), session_id="replay", budget=budget, policy=policy, post_turn="inline"
        )

    return make


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay files and print the table; the exit status tells whether there were problems."""
    parser = argparse.ArgumentParser(description="Replay conversations and judge every request.")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--windows", default="2048,4096,8192,32768")
    parser.add_argument("--presets", default=",".join(PRESETS))
    parser.add_argument(
        "--post-turn", action="store_true", help="run the post-turn side before each user message"
    )
    parser.add_argument("--one-by-one", action="store_true")
    parser.add_argument(
        "--show", type=int, default=0, metavar="N", help="print the first N problems of each row"
    )
    options = parser.parse_args(arguments)
    print(HEADING)
    bad = 0
    for path in options.files:
        for preset in options.presets.split(","):
            for window in map(int, options.windows.split(",")):
                report = replay(
                    load(path).messages,
                    session_factory(preset),
                    window=window,
                    name=f"{path.parent.name}/{path.stem}",
                    preset=preset,
                    post_turn="inline" if options.post_turn else None,
                    one_by_one=options.one_by_one,
                )
                bad += len(report.problems)
                print(row(report), flush=True)
                for problem in report.problems[: options.show]:
                    print(f"    {problem.rule} | {problem.where} | {problem.what}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
