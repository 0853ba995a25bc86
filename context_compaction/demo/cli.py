"""Replay a conversation in a small window, look things up, and prove that nothing is lost."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from contextlib import closing
from functools import partial
from importlib import import_module
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from context_compaction import (
    Budget,
    CannotCompact,
    CompactionError,
    Policy,
    Session,
    SummaryDrafter,
    TransformersDrafter,
)
from context_compaction.demo.conversation import (
    SAMPLE,
    TINY_SAMPLE,
    Conversation,
    UnreadableConversation,
    load,
)
from context_compaction.demo.replay import Direct, Totals

if TYPE_CHECKING:
    from rich.console import Console

TINY = "tiny"
PRESETS = ("layered", "masking", "truncating", "extractive", "anchored", "off")


def parser() -> argparse.ArgumentParser:
    """Arguments of ``demo``."""
    made = argparse.ArgumentParser(prog="python -m context_compaction demo", description=__doc__)
    made.add_argument("file", nargs="?", type=Path, help="OpenAI chat messages as JSON (default: the sample)")
    made.add_argument("--window", type=int, help="context window in tokens (default 8192; 2048 with tiny)")
    made.add_argument(
        "--trigger", type=float, help="share of the input at which to compact (default: the preset's)"
    )
    made.add_argument("--preset", choices=PRESETS, default="layered", help="how to compact (default layered)")
    made.add_argument(
        "--drafter",
        help="who writes summaries: a model's hub id or path, or `tiny`, the small one that ships",
    )
    made.add_argument("--langchain", action="store_true", help="tell it to a LangChain chain's memory")
    return made


def demo(arguments: list[str]) -> int:
    """Run the demo; 0 when every message came back equal, 1 when not, 2 when it could not run."""
    options = parser().parse_args(arguments)
    if find_spec("rich") is None:
        print("the demo needs rich: pip install 'context-compaction[demo]'", file=sys.stderr)
        return 2
    if options.langchain and find_spec("langchain_core") is None:
        print(
            "--langchain needs langchain-core: pip install 'context-compaction[langchain]'", file=sys.stderr
        )
        return 2
    try:
        tiny = options.drafter == TINY
        conversation = load(options.file, TINY_SAMPLE if tiny else SAMPLE)
        window = options.window if options.window is not None else 2048 if tiny else 8192
        budget = Budget(context_window=window)
        policy = _policy(options.preset, options.trigger)
        told = partial(_through_memory() if options.langchain else Direct, drafter=_drafter(options.drafter))
        with tempfile.TemporaryDirectory() as folder:
            return _run(told, conversation, budget, policy, Path(folder) / "archive.db")
    except (ImportError, UnreadableConversation, CompactionError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2


def _through_memory() -> Any:
    """By name: the face knows the engine, and the engine no face."""
    return import_module("langchain_compaction.demo").ThroughMemory


def _drafter(name: str | None) -> SummaryDrafter | None:
    """The model, loaded: what is wrong with it shows before the replay and not as a fallback."""
    if name is None:
        return None
    if name != TINY:
        return TransformersDrafter(name).warmup()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by torch: too small a model for more threads
    with as_file(files("context_compaction.demo") / "tiny") as folder:
        # Sections, since these are what it was trained on.
        return TransformersDrafter(folder, mode="sections", device="cpu").warmup()


def _policy(preset: str, trigger: float | None) -> Policy:
    options = {} if trigger is None or preset == "off" else {"trigger": trigger}
    return Policy.named(preset, **options)


def _run(told: Any, conversation: Conversation, budget: Budget, policy: Policy, path: Path) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from context_compaction.demo import show

    console = Console()
    totals, limit = Totals(), budget.input_tokens
    rule = policy.pre_turn.name if policy.pre_turn else "none"
    console.rule(
        f"{conversation.name}: {len(conversation.messages)} messages, window {budget.context_window}, {rule}"
    )
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with closing(told(path, conversation.name, budget, policy)) as run:
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("replaying", total=len(conversation.messages), note="")
            for step in run.replay(conversation.messages):
                totals.add(step)
                for event in step.events:
                    progress.console.print(show.event_line(event))
                note = f"said {step.said:>7,}  seen {step.seen:>6,} {show.bar(step.seen, limit, 20)}"
                progress.update(task, completed=step.number, note=note)
            progress.update(task, completed=len(conversation.messages))
        _look(console, run.session, conversation, limit)
    show.show_totals(console, totals, limit)
    with closing(told(path, conversation.name, budget, policy)) as reopened:
        count, equal = reopened.restored(conversation.messages)
    verdict = "all equal" if equal else "NOT all equal"
    console.print(f"restored {count} of {len(conversation.messages)} messages, {verdict}", style="bold")
    return 0 if equal else 1


def _look(out: Console, session: Session, conversation: Conversation, limit: int) -> None:
    from context_compaction.demo import show

    try:
        shown = session.context()
        show.show_context(out, shown, session.stats.tokens_seen, limit)
    except CannotCompact as error:
        out.print(f"[red]{error}[/]")
    question = conversation.early_question()
    if question is not None:
        show.show_recall(out, question, session.recall(question.text, k=5))
    show.show_expanded(out, session)
