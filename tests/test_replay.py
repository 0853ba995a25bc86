"""Replays judged request by request (design §12): conversations that ship, then larger ones beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data import Conversation, load, shipped
from tests.replay import PRESETS, replay, session_factory
from tests.replayed import ReplayReport

WINDOWS = (2048, 4096, 8192, 32768)
MOST_REFUSED = {2048: 0.40, 4096: 0.02, 8192: 0.0, 32768: 0.0}
"""`CannotCompact` as a share of the requests of one conversation, at most."""

SHIPPED = shipped()


def assert_clean(report: ReplayReport) -> None:
    """No problem, which takes in every unjustified refusal, and no more refusals than the window explains."""
    shown = [f"{problem.rule} | {problem.where} | {problem.what}" for problem in report.problems[:5]]
    assert not report.problems, f"{report.rules()}\n" + "\n".join(shown)
    assert report.refused_share <= MOST_REFUSED[report.window], (
        f"{report.refusals} of {report.requests} refused"
    )


def judge(conversation: Conversation, window: int, preset: str, **options: object) -> ReplayReport:
    """Replay one conversation with a preset and no model."""
    return replay(
        conversation.messages,
        session_factory(preset),
        window=window,
        name=conversation.name,
        preset=preset,
        post_turn="inline" if options.get("post_turn") else None,
        one_by_one=bool(options.get("one_by_one")),
    )


def test_conversations_ship():
    if not SHIPPED:
        pytest.skip("no conversation ships yet: no JSON file with messages under context_compaction")
    assert any(message["role"] == "tool" for one in SHIPPED for message in one.messages)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("conversation", SHIPPED, ids=lambda one: one.name)
def test_shipped(conversation: Conversation, window: int, preset: str):
    assert_clean(judge(conversation, window, preset))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("conversation", SHIPPED, ids=lambda one: one.name)
def test_shipped_with_post_turn(conversation: Conversation, preset: str):
    assert_clean(judge(conversation, 4096, preset, post_turn=True, one_by_one=True))


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("window", WINDOWS)
def test_data(data_file: Path, window: int, preset: str):
    assert_clean(judge(load(data_file), window, preset))


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_data_with_post_turn(data_file: Path, preset: str):
    assert_clean(judge(load(data_file), 4096, preset, post_turn=True))
