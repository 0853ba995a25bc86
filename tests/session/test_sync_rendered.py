"""`Session.sync` of lists that hold what `Session.context` gave: recognised, and never stored again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from context_compaction import Budget, Message, Policy, ReasoningBlock, Session, TextBlock, open_archive
from context_compaction.archive import Archive
from tests.session.kept import Form, Kept, each_depth, every_form, in_form, labelled, stripped
from tests.session.lists import Dict, said
from tests.session.talks import dicts, session
from tests.windows import WORDS, answers, asks, assistant, system, user

PRESETS = ("layered", "masking", "truncating", "extractive", "anchored")
each_preset = pytest.mark.parametrize("preset", PRESETS)


def busy(first: int, count: int) -> list[Dict]:
    """Turns with everything in them: reasoning, tools, results late and of no call, calls never answered."""
    out: list[Dict] = []
    for number in range(first, first + count):
        ids = [f"{name}-{number}" for name in "abc"]
        output = "\n".join(f"line {line} of file {number}" for line in range(30))
        out += [
            user(f"question {number} " + "word " * 20),
            {**asks(*ids), "reasoning": "thinking " * 20},
            answers("foreign", f"nobody asked {number}"),
            answers(ids[0], output),
            answers(ids[1], output + " again"),
            {**assistant(f"half {number}"), "reasoning": "more " * 20},
            answers(ids[2], f"too late {number}"),
            assistant(f"answer {number} " + "text " * 20),
        ]
    return out


def worked(preset: str, archive: Archive | str = ":memory:", turns_of: int = 6) -> tuple[Session, list[Dict]]:
    """A session after so many busy turns, each followed by a compaction if there is one to make; its log."""
    s = session(archive, window=900, policy=Policy.named(preset))
    log = [system("be brief"), *busy(1, 1)]
    s.append(log)
    s.pin("m:2")
    for number in range(2, turns_of + 1):
        s.context()
        s.after_turn()
        s.append(busy(number, 1))
        log += busy(number, 1)
    return s, log


def kinds(s: Session) -> set[str]:
    """What a context consists of, beside messages as they were said."""
    by_text = {"<conversation_summary": "context", "<quoted_tool": "quoted", "[no result": "synthetic"}
    found = {kind for m in s.context() for text, kind in by_text.items() if m.text.startswith(text)}
    return found | {"edited" for m in s.context() if m.edited}


@every_form
@each_depth
@each_preset
def test_what_a_context_holds_is_known(form: Form, preset: str, *, deep: bool) -> None:
    """Right away nothing is new; with more behind it, that is; in this process and in the next."""
    archive = open_archive(":memory:")
    s, log = worked(preset, archive)
    held = form(s.context())
    assert contexts(held)
    for again in (s, session(archive)):
        assert again.sync(held, deep).kind == "unchanged"
    more = [user("and on"), assistant("yes")]
    for again in (s, session(archive)):
        again.sync([*held, *in_form(form, more)], deep)
        assert said(again) == [*log, *more]
    assert len(s.branches()) == 1


def test_the_scenes_hold_what_is_to_be_known() -> None:
    """Each preset leaves something else behind; together they leave all of it."""
    found = set[str]()
    for preset in PRESETS:
        found |= kinds(worked(preset)[0])
    assert found == {"context", "quoted", "synthetic", "edited"}


@every_form
@each_depth
def test_before_any_compaction(form: Form, *, deep: bool) -> None:
    """Stand-ins and quoted results are there from the first; so is our line before an assistant's opening."""
    for log in (busy(1, 2), [system("s"), assistant("hello"), user("hi")], [answers("x"), assistant("a")]):
        s = session()
        s.append(log)
        held = form(s.context())
        assert len(held) >= len(log)
        assert s.sync(held, deep).kind == "unchanged"
        s.sync([*held, *in_form(form, [user("next")])], deep)
        assert said(s) == [*log, user("next")]


@every_form
@each_depth
def test_a_clamped_message_is_known(form: Form, *, deep: bool) -> None:
    """On HARD, when nothing else is left to shorten."""
    s = session(window=500)
    log = [system("s"), user("go"), asks("c"), answers("c", "word " * 5000)]
    s.append(log)
    held = form(s.context())
    assert len(held) == 4
    assert s.context()[-1].edited
    assert s.sync(held, deep).kind == "unchanged"
    s.sync([*held, *in_form(form, [assistant("done")])], deep)
    assert said(s) == [*log, assistant("done")]


@every_form
@each_depth
@each_preset
def test_a_context_message_may_be_many_versions_old(form: Form, preset: str, *, deep: bool) -> None:
    """The caller's list grows behind it while the session compacts on; any process knows it."""
    archive = open_archive(":memory:")
    s, log = worked(preset, archive)
    held = form(s.context())
    first = s.view.version
    for number in range(10, 52):
        turn = busy(number, 1)
        held += in_form(form, turn)
        log += turn
        s.sync(held, deep)
        s.context()
        s.after_turn()
    assert s.view.version >= first + 20
    for again in (s, session(archive)):
        assert again.sync(held, deep).kind == "unchanged"
    again = session(archive)
    again.sync([*held, *in_form(form, [user("on")])], deep)
    assert (said(again), len(s.branches())) == ([*log, user("on")], 1)


@every_form
@pytest.mark.parametrize("told", [True, False], ids=["told of recall", "not told"])
def test_another_process_may_tell_of_a_recall_tool(form: Form, *, told: bool) -> None:
    """Its context message has a line more, or less."""
    archive = open_archive(":memory:")
    s, log = worked("layered", archive)
    settings = s._state.settings  # pyright: ignore[reportPrivateUsage] - the faces set it
    other = s._of(  # pyright: ignore[reportPrivateUsage]
        archive, replace(settings, options=replace(settings.options, recall_hint=True))
    )
    teller, listener = (other, s) if told else (s, other)
    held = form(teller.context())
    assert any("recall tool" in message.text for message in teller.context()) == told
    assert listener.sync(held).kind == "unchanged"
    listener.sync([*held, *in_form(form, [user("on")])])
    assert said(s) == [*log, user("on")]


def contexts(held: Kept) -> list[int]:
    """The places of context messages."""
    texts = [m.text if isinstance(m, Message) else str(m.get("content")) for m in held]
    return [place for place, text in enumerate(texts) if text.startswith("<conversation_summary")]


def without_context(held: Kept) -> Kept:
    return [message for place, message in enumerate(held) if place not in contexts(held)]


KEPT: dict[str, Callable[[Kept], Kept]] = {
    "trimmed by one": lambda m: m[1:],
    "trimmed by half": lambda m: m[len(m) // 2 :],
    "trimmed to one": lambda m: m[-1:],
    "trimmed behind its head": lambda m: [m[0], *m[len(m) // 2 :]],
    "trimmed behind the context message": lambda m: [*m[:2], *m[len(m) // 2 :]],
    "without the context message": without_context,
    "without either": lambda m: without_context(m)[1:],
    "the context message before the head": lambda m: [m[1], m[0], *m[2:]],
    "the context message further behind": lambda m: [m[0], m[2], m[1], *m[3:]],
}


@every_form
@pytest.mark.parametrize("preset", ["layered", "masking", "truncating"])
@pytest.mark.parametrize("reopened", [False, True], ids=["known", "reopened"])
@pytest.mark.parametrize("change", KEPT)
def test_a_context_kept_otherwise(form: Form, preset: str, change: str, *, reopened: bool) -> None:
    """Trimmed, without what is ours, or with it moved: still nothing is new, and what is behind it is."""
    archive = open_archive(":memory:")
    s, log = worked(preset, archive)
    held = form(s.context())
    held = KEPT[change](held)
    s = session(archive) if reopened else s
    assert s.sync(held, deep=reopened).kind == "unchanged"
    s = session(archive) if reopened else s
    s.sync([*held, *in_form(form, [user("on"), assistant("yes")])], deep=reopened)
    assert (said(s), len(s.branches())) == ([*log, user("on"), assistant("yes")], 1)


@every_form
@each_preset
def test_another_system_prompt_before_our_context(form: Form, preset: str) -> None:
    """It takes the old one's place, and the rest is known as before."""
    s, log = worked(preset)
    held = form(s.context())
    changed = [*in_form(form, [system("be wordy")]), *held[1:]]
    done = s.sync(changed)
    assert (done.kind, done.appended, done.superseded) == ("grown", 0, 1)
    assert dicts(s.context())[0] == system("be wordy")
    held = form(s.context())
    assert s.sync(held).kind == "unchanged"
    s.sync([*held, *in_form(form, [user("on")])])
    assert said(s) == [*log, system("be wordy"), user("on")]


def test_messages_made_by_hand_come_back_as_dicts(tmp_path: Path) -> None:
    """What the chat format cannot hold of them is no difference, edited or not."""
    path = tmp_path / "a.db"
    with Session(path, budget=Budget(400, reserve_tokens=0), counter=WORDS) as s:
        for number in range(8):
            blocks = [ReasoningBlock("thinking " * 30), TextBlock(f"a{number}"), TextBlock("text " * 20)]
            s.append([Message("user", f"q{number} " + "word " * 20), Message("assistant", blocks)])
            s.context()
        held: Any = stripped(s.context())
        assert s.view.version > 0
        count = len(s.history())
    with Session(path, budget=Budget(400, reserve_tokens=0), counter=WORDS) as s:
        assert s.sync(held).kind == "unchanged"
        assert s.sync([*held, user("on")]).appended == 1
        assert (len(s.history()), len(s.branches())) == (count + 1, 1)
        assert s.sync(labelled(s.context()), deep=True).kind == "unchanged"
