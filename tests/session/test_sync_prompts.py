"""`Session.sync` and the system head: a changed prompt replaces the old one in the view, and is no fork."""

from __future__ import annotations

import pytest

from context_compaction import Budget, Policy, Session, open_archive
from tests.checker import Request
from tests.checker.structure import check_structure
from tests.session.lists import Dict, said, stored, talk
from tests.session.talks import dicts, session, turns
from tests.test_properties import WORDS
from tests.windows import answers, asks, assistant, system, user


def developer(text: str) -> Dict:
    return {"role": "developer", "content": text}


def shown(s: Session) -> list[Dict]:
    return dicts(s.context())


def test_a_changed_prompt_takes_the_place_of_the_old_one() -> None:
    """In the view; both stay in the log, and nothing else changes."""
    s, whole = session(), talk()
    s.sync(whole)
    changed = [system("be wordy"), *whole[1:]]
    done = s.sync(changed)
    assert (done.kind, done.appended, done.superseded) == ("grown", 0, 1)
    assert shown(s) == changed
    assert said(s) == [*whole, changed[0]]
    assert s.sync(changed).kind == "unchanged"
    assert s.sync([*changed, user("on")]).appended == 1
    assert shown(s) == [*changed, user("on")]


@pytest.mark.parametrize("identity", [{}, {"id": "prompt"}], ids=["without id", "with id"])
@pytest.mark.parametrize("reopened", [False, True], ids=["known", "reopened"])
def test_toggling_back_and_forth(identity: Dict, *, reopened: bool) -> None:
    """Each change is one record, in a list of any length, its id the same or none; the view has the last."""
    archive = open_archive(":memory:")
    s, rest = session(archive, window=100_000), turns(1, 12, 6)
    for number, text in enumerate(("a", "b", "a", "a", "b", "b", "c", "a")):
        s = session(archive, window=100_000) if reopened else s
        rest += turns(100 + number, 1, 6)
        s.sync([{**system(text), **identity}, *rest])
        assert [message["content"] for message in shown(s)] == [text, *(m["content"] for m in rest)]
    assert [message.text for message in s.history() if message.is_system] == ["a", "b", "a", "b", "c", "a"]
    assert len(s.branches()) == 1


def test_one_of_several() -> None:
    """Each is replaced in its own place, by its id or by its order; a new one stands behind them."""
    s, body = session(), turns(1, 3, 6)
    heads = [
        [system("a"), developer("b"), system("c")],
        [system("a"), developer("B"), system("c")],
        [system("A"), developer("B"), system("C")],
        [system("A"), developer("B"), system("C"), developer("d")],
        [system("A"), developer("B"), system("C"), developer("D")],
    ]
    for head in heads:
        s.sync([*head, *body])
        assert shown(s) == [*head, *body]
    ids = [{**message, "id": message["content"].lower()} for message in heads[-1]]
    ids[2] = {**ids[2], "content": "another"}
    s.sync([*ids, *body])
    assert [message.text for message in s.context()][:4] == ["A", "B", "another", "D"]
    assert len(s.branches()) == 1


def test_a_prompt_where_there_was_none() -> None:
    """It joins the head; and when nothing else was said yet, it begins the log."""
    s, body = session(), turns(1, 3, 6)
    s.sync(body)
    assert s.sync([system("new"), *body]).superseded == 1
    assert shown(s) == [system("new"), *body]
    assert s.sync([system("newer"), *body]).superseded == 1
    assert shown(s) == [system("newer"), *body]
    assert s.sync([system("newer"), *body[:2]]).forked_at == 2
    assert shown(s) == [system("newer"), *body[:2]]
    alone = session()
    for messages in ([], [system("x")], [system("y")], [system("y"), *body]):
        alone.sync(messages)
        assert shown(alone) == messages


def test_a_list_without_its_prompt_keeps_it() -> None:
    """As it is trimmed away, not taken back."""
    s, whole = session(), talk()
    s.sync(whole)
    assert s.sync(whole[1:]).kind == "unchanged"
    assert shown(s) == whole


@pytest.mark.parametrize("reopened", [False, True], ids=["known", "reopened"])
def test_in_the_middle_of_open_calls(*, reopened: bool) -> None:
    """The calls are still answered in time, each by its own."""
    archive = open_archive(":memory:")
    s = session(archive)
    whole = [system("0"), user("go"), asks("a", "b", "c")]
    for number in range(4):
        s = session(archive) if reopened else s
        whole[0] = system(str(number))
        s.sync(whole)
        assert shown(s) == whole
        whole.append(answers("abc"[number], f"answer {number}") if number < 3 else assistant("done"))
    s.sync(whole)
    assert shown(s) == whole
    assert check_structure(_request(s, whole)) == []
    assert {row.kind for row in archive.messages(1) if row.message.role == "tool"} == {"live"}


@pytest.mark.parametrize("policy", ["layered", "truncating", "masking"])
def test_across_compactions_and_forks(policy: str) -> None:
    """The head shows the newest prompt, whatever left; a fork shows the one of the list."""
    s, whole = session(policy=Policy.named(policy)), [system("0"), *turns(1, 12)]
    s.sync(whole)
    prompts = ["0"]
    for number in range(1, 5):
        prompts.append(str(number))
        whole = [system(str(number)), *whole[1:], *turns(20 + number, 2)]
        s.sync(whole)
        s.after_turn()
        first = s.context()[0]
        assert (first.role, first.text) == ("system", str(number))
    assert [message.text for message in s.history() if message.is_system] == prompts
    before = stored(s)
    changed = [system("4"), *whole[1:5], user("other")]
    assert s.sync(changed).kind == "forked"
    assert shown(s) == changed
    assert stored(s) == before + 2  # the message, and the prompt, which was not said yet at the fork
    assert s.sync(whole).kind == "switched"
    assert s.context()[0].text == "4"


def test_of_a_prompt_that_changed_while_the_list_did() -> None:
    """A fork behind it shares it; a fork before it has it again."""
    s, whole = session(), talk(6)
    s.sync(whole[:7])
    whole[0] = system("other")
    s.sync(whole)
    for at in (9, 4):
        changed = [*whole[:at], user("x")]
        done = s.sync(changed)
        assert (done.kind, done.appended, done.superseded) == ("forked", 1, int(at < 7))
        assert shown(s) == changed
        assert s.sync(whole).kind == "switched"
        assert shown(s) == whole


def test_a_prompt_that_was_said_in_the_middle_too() -> None:
    """A system message of the body stays where it is, even if a prompt is worded alike."""
    s, whole = session(), [*talk(2), system("careful"), *turns(3, 2, 6)]
    s.sync(whole)
    changed = [system("careful"), *whole[1:]]
    assert s.sync(changed).superseded == 1
    assert shown(s) == changed
    added = [system("careful"), system("be brief"), *whole[1:]]
    s.sync(added)
    assert shown(s) == added
    assert len(s.branches()) == 1


def test_a_fork_with_nothing_but_a_prompt() -> None:
    """The head alone is all of a list; branches of nothing else are found again like others."""
    s = session()
    s.sync([system("s"), user("1"), system("s"), assistant("x")])
    s.sync([system("s")])
    head = s.branches()[-1].id
    assert shown(s) == [system("s")]
    s.sync([system("s"), user("3"), system("s")])
    assert (shown(s), s.branches()[-1].id) == ([system("s"), user("3"), system("s")], head)


def _request(s: Session, log: list[Dict]) -> Request:
    return Request(log, shown(s), 1000, {"own": lambda found: 4 * len(found)})


def test_behind_what_was_rendered_none_is_of_the_head() -> None:
    """A view may show only our context message and system messages of the body: a new one is appended."""
    policy, budget = Policy.extractive(), Budget(150, reserve_tokens=15)
    with Session(":memory:", budget=budget, policy=policy, counter=WORDS) as s:
        s.sync([{**assistant("begun"), "reasoning": "thinking " * 25}, system("one")])
        s.pin("m:1")
        held = s.context()
        assert [message.role for message in held] == ["user", "system"]
        done = s.sync([*held, system("one, two")])
        assert (done.kind, done.appended, done.forked_at) == ("grown", 1, None)
        assert [message["content"] for message in said(s)] == ["begun", "one", "one, two"]
