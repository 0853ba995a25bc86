import asyncio
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from context_compaction import Budget, Session
from context_compaction.drafting import DrafterChain, ExtractiveDrafter, choose_drafters
from context_compaction.testing.drafters import (
    STATED,
    CancellingDrafter,
    EmptyDrafter,
    HangingDrafter,
    LateDrafter,
    NotTextDrafter,
    RaisingDrafter,
    ScriptedDrafter,
    ThinkOnlyDrafter,
    TooLongDrafter,
    WrongNumberDrafter,
)
from tests.drafting.samples import COUNTER, TALK, request

ROOT = Path(__file__).parents[2]
ASKED = (request(*TALK, max_tokens=150),)
SOON = 20.0  # seconds: generous, nothing waits that long


def drafted(drafter, *, deadline=SOON, requests=ASKED, **options):
    return DrafterChain(drafter, COUNTER, deadline=deadline, **options).start(requests).result(SOON)


def test_the_first_member_that_delivers_writes():
    result = drafted([ScriptedDrafter(name="model"), RaisingDrafter()])
    assert (result.texts, result.writer, result.is_model) == ((STATED,), "model", True)
    assert (result.fell_back_from, result.reason, result.cancelled) == ((), "", False)


def test_a_name_that_is_no_text_can_be_stored():
    """As a model's folder may have: bytes that are no UTF-8 come as lone surrogates."""
    with Session(
        budget=Budget(context_window=2000), drafter=ScriptedDrafter(name="/models/\udcff")
    ) as session:
        session.append(
            [{"role": "user", "content": f"sentence {number} of many. " * 9} for number in range(40)]
        )
        session.compact()
        assert [record.writer for record in session.summaries.values()] == ["/models/?"]


def test_without_a_drafter_the_extractive_one_writes():
    result = drafted(None)
    assert (result.writer, result.is_model, result.fell_back_from) == ("extractive", False, ())
    assert result.texts == (ExtractiveDrafter(COUNTER).write(ASKED[0]),)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (RaisingDrafter(), "RuntimeError: no GPU to be had"),
        (RaisingDrafter(KeyboardInterrupt()), "KeyboardInterrupt"),
        (RaisingDrafter(SystemExit(3)), "SystemExit: 3"),
        (EmptyDrafter(), "empty"),
        (ThinkOnlyDrafter(), "reasoning"),
        (TooLongDrafter(), "its cap is"),
        (WrongNumberDrafter(), "returned 2 drafts for 1 requests"),
        (WrongNumberDrafter(0), "returned 0 drafts"),
        (NotTextDrafter(), "dict, not text"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_each_misbehaviour_is_named_and_the_next_member_writes(bad, reason):
    result = drafted([bad, ScriptedDrafter(name="second")])
    assert (result.texts, result.writer, result.fell_back_from) == ((STATED,), "second", (bad.name,))
    assert f"{bad.name}: " in result.reason
    assert reason in result.reason


def test_a_drafter_that_returns_bare_text_is_told_so():
    class Bare(ScriptedDrafter):
        def draft(self, requests, *, cancel):
            return "text"

    result = drafted(Bare())
    assert result.writer == "extractive"
    assert "returned str, not a list" in result.reason


@pytest.mark.parametrize("ignore", [False, True])
def test_past_its_deadline_a_call_is_abandoned_and_the_next_member_writes(ignore):
    hanging = HangingDrafter(ignore_cancel=ignore)
    result = drafted([hanging, ScriptedDrafter(name="second")], deadline=0.05)
    assert (result.writer, result.fell_back_from) == ("second", ("hanging",))
    assert "no draft within 0.05 s" in result.reason
    hanging.release.set()
    assert hanging.left.wait(SOON)


def test_the_extractive_drafter_writes_although_the_time_is_used_up():
    hanging = HangingDrafter()
    assert drafted(hanging, deadline=0.0).writer == "extractive"


def test_a_members_own_deadline_only_shortens():
    own = HangingDrafter(deadline=0.05)
    assert "within 0.05 s" in drafted(own, deadline=SOON).reason
    longer = HangingDrafter(deadline=SOON)
    assert "within 0.05 s" in drafted(longer, deadline=0.05).reason


def test_a_late_draft_is_discarded():
    late = LateDrafter("## Current State\n- too late", seconds=0.1)
    result = drafted([late, ScriptedDrafter(name="second")], deadline=0.01)
    assert late.left.wait(SOON)
    assert result.texts == (STATED,)


def test_one_abandoned_call_at_most_whichever_chain_asks():
    hanging = HangingDrafter(ignore_cancel=True)
    drafted(hanging, deadline=0.01)
    result = drafted(hanging, deadline=0.01, clock=lambda: time.monotonic() + 1e6)
    assert "still busy with an abandoned call" in result.reason
    hanging.release.set()
    assert hanging.left.wait(SOON)
    assert hanging.calls == 1


def test_a_missed_deadline_cools_the_drafter_down_for_twice_as_long_each_time():
    now = [1000.0]
    hanging = HangingDrafter()
    chain = DrafterChain(hanging, COUNTER, clock=lambda: now[0])

    def attempt(deadline):
        reason = chain.start(ASKED, deadline=deadline).result(SOON).reason
        for thread in threading.enumerate():
            if thread.name == "draft-hanging":
                thread.join(SOON)
        return reason

    assert "no draft within" in attempt(0.01)
    now[0] += 59
    assert "left alone for 1 s" in attempt(0.01)
    now[0] += 2
    assert "no draft within" in attempt(0.01)
    now[0] += 119
    assert "left alone for 1 s" in attempt(0.01)
    now[0] += 2
    hanging.release.set()
    assert attempt(SOON) == ""
    hanging.release.clear()
    assert "no draft within" in attempt(0.01)
    now[0] += 61
    assert "no draft within" in attempt(0.01)


def test_a_failure_within_its_time_cools_nothing_down():
    raising = RaisingDrafter()
    drafted(raising)
    drafted(raising)
    assert raising.calls == 2


@pytest.mark.parametrize("error", [None, asyncio.CancelledError()])
def test_a_drafter_that_was_cancelled_ends_the_chain(error):
    bad = CancellingDrafter() if error is None else RaisingDrafter(error)
    second = ScriptedDrafter()
    result = drafted([bad, second])
    assert (result.texts, result.writer, result.cancelled) == (None, None, True)
    assert second.calls == 0


@pytest.mark.parametrize("ignore", [False, True])
def test_cancelling_from_outside_ends_it_at_once(ignore):
    hanging, second, cancel = HangingDrafter(ignore_cancel=ignore), ScriptedDrafter(), threading.Event()
    future = DrafterChain([hanging, second], COUNTER).start(ASKED, cancel)
    assert hanging.entered.wait(SOON)
    cancel.set()
    result = future.result(SOON)
    assert (result.texts, result.cancelled, second.calls) == (None, True, 0)
    hanging.release.set()


def test_cancelled_before_it_began_asks_nobody():
    cancel, model = threading.Event(), ScriptedDrafter()
    cancel.set()
    result = DrafterChain(model, COUNTER).start(ASKED, cancel).result(SOON)
    assert (result.cancelled, model.calls) == (True, 0)


def test_a_summary_is_never_longer_than_its_source():
    short = request(TALK[6], max_tokens=500)
    model = ScriptedDrafter(lambda asked: "- word " * 100, name="wordy")
    result = drafted(model, requests=(short,))
    assert result.fell_back_from == ("wordy",)
    assert model.requests[0].max_tokens < 60
    assert COUNTER.text((result.texts or ("",))[0]) <= model.requests[0].max_tokens


def test_a_drafter_with_a_window_gets_pieces():
    model = ScriptedDrafter(window=1000)
    long = request(*(TALK * 20), max_tokens=200)
    assert drafted(model, requests=(long,)).texts == (STATED,)
    assert len(model.requests) > 2


def test_the_window_is_that_of_the_first_configured_member():
    assert DrafterChain(None, COUNTER).window is None
    assert DrafterChain([ScriptedDrafter(window=4096), ScriptedDrafter(window=1)], COUNTER).window == 4096


def test_a_function_is_a_drafter():
    def mine(asked):
        return f"- {len(asked.passages)} messages"

    result = drafted(mine)
    assert (result.texts, result.writer, result.is_model) == ((f"- {len(TALK)} messages",), "mine", True)


def test_the_extractive_drafter_is_always_last():
    names = [
        [each.name for each in choose_drafters(given, COUNTER)]
        for given in (None, [], ExtractiveDrafter(COUNTER))
    ]
    assert names == [["extractive"]] * 3
    assert [each.name for each in choose_drafters([ScriptedDrafter()], COUNTER)] == ["scripted", "extractive"]


@pytest.mark.parametrize("wrong", ["layered", 7, ["model"], [None], ScriptedDrafter, {"a": 1}])
def test_what_is_no_drafter_is_refused(wrong):
    with pytest.raises(TypeError, match="drafter"):
        choose_drafters(wrong if not isinstance(wrong, type) else [wrong], COUNTER)


async def test_the_future_can_be_awaited():
    future = DrafterChain(ScriptedDrafter(), COUNTER).start(ASKED)
    assert (await asyncio.wrap_future(future)).texts == (STATED,)


HUNG = """
import sys, time
from tests.drafting.samples import COUNTER, TALK, request
from context_compaction import Budget, Session
from context_compaction.drafting import DrafterChain
from context_compaction.testing.drafters import HangingDrafter
chain = DrafterChain(HangingDrafter(ignore_cancel=True), COUNTER)
result = chain.start([request(*TALK)], deadline=0.1).result()
assert result.writer == "extractive", result
print(time.time(), flush=True)
"""


def test_a_hung_drafter_does_not_keep_the_process_alive():
    """From the end of the program to the end of the process: two seconds at most."""
    ran = subprocess.run(
        [sys.executable, "-c", HUNG], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    ended = time.time()
    assert ran.returncode == 0, ran.stderr
    assert ended - float(ran.stdout) < 2
