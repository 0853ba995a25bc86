"""What a redactor takes away reaches no drafter and no summary; the archive keeps it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from context_compaction import Budget, Message, Policy, Session, acompact, compact, redact_secrets
from context_compaction.testing.drafters import ScriptedDrafter
from context_compaction.text.clipping import MAX_OUTPUT
from tests.builders import assistant as calling
from tests.builders import call
from tests.session.talks import turns
from tests.windows import assistant, user

KEY = "AKIA" + "Q3EGRIXYZ4UVW5AB"
TOKEN = "ghp" + "_" + "a1B2c3D4e5F6" * 3
PEM = "-----BEGIN PRIVATE KEY-----\n" + "MIIEvgIBADANBgkqhkiG9w0BAQEF\n" * 160 + "-----END PRIVATE KEY-----"
SECRETS = (KEY, TOKEN, "hunter2!", "MIIEvgIBADANBgkqhkiG9w0BAQEF")
BUDGET = Budget(8000, reserve_tokens=0)


def leaky() -> list[dict[str, Any]]:
    """Secrets from everybody: the user, a call, its result (the key of 4,600 characters would be clipped)."""
    return [
        user("Please deploy it. The password: hunter2! is for the staging server of project Zebra."),
        calling(
            "I will.",
            call("c1", "run", json.dumps({"env": f"TOKEN={TOKEN}\nPATH=/opt/zebra", "cmd": "deploy"})),
        ),
        {
            "role": "tool",
            "tool_call_id": "c1",
            "name": "run",
            "content": f"Error: {KEY} is no key of zebra.\n{PEM}\nend",
        },
        assistant(f"It failed with {KEY}. I decided to try again with port 8431."),
        *turns(1, 24),
        user("What now?"),
    ]


def said(asked: Any) -> str:
    """All that a drafter is given, its prompts included."""
    return repr(asked) + "".join(asked.prompt()) + repr(asked.section_prompts())


def hidden(text: str) -> bool:
    return not any(secret in text for secret in SECRETS)


def told(session: Session) -> str:
    """What stands for the messages that left. A recalled message is an original."""
    (text,) = [message.text for message in session.context() if message.is_context]
    return text


def copying(asked: Any) -> str:
    """Copies what it was given: a summary of an anchored talk."""
    lines = [" ".join(passage.text.split())[:200] for passage in asked.passages]
    return "## Timeline\n" + "\n".join(f"- {line}" for line in lines)[: 3 * asked.max_tokens]


@pytest.mark.parametrize("drafter", [None, "model"])
def test_a_key_reaches_neither_drafter_nor_summary_and_expand_returns_it(drafter: str | None) -> None:
    model = ScriptedDrafter(copying) if drafter else None
    with Session(
        budget=BUDGET, policy=Policy.layered(fidelity_floor=0.0), drafter=model, redactor=redact_secrets
    ) as s:
        s.append(leaky())
        event = s.compact(focus=f"the key {KEY}")
        assert event.committed
        assert event.writer == ((drafter and "scripted") or "extractive")
        assert hidden(told(s))
        assert "[redacted:aws-key]" in told(s)
        assert "8431" in told(s)
        for asked in model.requests if model else ():
            assert hidden(said(asked))
            assert "[redacted:private-key]" in said(asked)
            assert asked.focus == "the key [redacted:aws-key]"
        assert s.expand("m:3") == [Message.from_openai(leaky()[2])]
        assert [m.to_openai() for m in s.history()] == leaky()
        assert any(KEY in hit.message.text for hit in s.recall("zebra key") if hit.message)


def test_a_key_across_the_place_where_long_output_is_cut_is_known_whole() -> None:
    model = ScriptedDrafter()
    with Session(budget=BUDGET, drafter=model, redactor=redact_secrets) as s:
        output = ("x" * (MAX_OUTPUT * 2 // 3 - 10)) + f" {KEY} " + "y" * MAX_OUTPUT
        result = {"role": "tool", "tool_call_id": "c1", "content": output}
        s.append(
            [user("Go."), calling(None, call("c1", "run", "{}")), result, *turns(1, 24), user("What now?")]
        )
        s.compact()
        assert KEY[:8] not in said(model.requests[0])


def test_what_a_model_makes_up_is_gone_over_too() -> None:
    model = ScriptedDrafter(f"## Current State\n- The user's key is {TOKEN}, the port 8431.")
    with Session(
        budget=BUDGET, policy=Policy.layered(fidelity_floor=0.0), drafter=model, redactor=redact_secrets
    ) as s:
        s.append(leaky())
        assert s.compact().writer == "scripted"
        assert "The user's key is [redacted:github-token], the port 8431." in told(s)


def test_earlier_summaries_are_gone_over_when_they_are_context_or_distilled() -> None:
    """The first summary was written before there was a redactor."""
    policy = Policy.layered(fidelity_floor=0.0, max_leaves=1)
    model = ScriptedDrafter(f"## Current State\n- The key is {KEY}.")
    with Session(budget=BUDGET, policy=policy, drafter=model) as s:
        s.append(leaky())
        s.compact()
        assert KEY in told(s)
        careful = ScriptedDrafter(copying)
        with Session(
            s.archive, budget=BUDGET, policy=policy, drafter=careful, redactor=redact_secrets
        ) as later:
            later.append([*turns(40, 30), user("And now?")])
            later.compact()
            kinds = [asked.kind for asked in careful.requests]
            assert kinds == ["summary", "distill"]
            assert all(hidden(said(asked)) for asked in careful.requests)
            assert careful.requests[0].context == ("## Current State\n- The key is [redacted:aws-key].",)
            assert hidden(told(later))


def test_pins_reach_the_drafter_without_their_secrets_and_stay_word_for_word() -> None:
    model = ScriptedDrafter(copying)
    with Session(
        budget=BUDGET, policy=Policy.layered(fidelity_floor=0.0), drafter=model, redactor=redact_secrets
    ) as s:
        s.append(leaky())
        s.pin("m:4")
        assert s.compact().writer == "scripted"
        assert model.requests[0].pins == (
            "It failed with [redacted:aws-key]. I decided to try again with port 8431.",
        )
        assert KEY in told(s)  # the pin, which is the user's own doing


def test_without_a_redactor_nothing_is_taken_away() -> None:
    model = ScriptedDrafter(copying)
    with Session(budget=BUDGET, policy=Policy.layered(fidelity_floor=0.0), drafter=model) as s:
        s.append(leaky())
        s.compact()
        assert KEY in said(model.requests[0])


@pytest.mark.parametrize(
    ("redactor", "reason"),
    [
        (lambda text: None, "TypeError: the redactor returned NoneType"),
        (lambda text: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_a_redactor_that_fails_costs_the_summary_and_shows_nobody_anything(
    redactor: Any, reason: str
) -> None:
    model = ScriptedDrafter()
    with Session(budget=BUDGET, drafter=model, redactor=redactor) as s:
        s.append(leaky())
        event = s.compact()
        assert (event.committed, model.calls) == (False, 0)
        assert reason in event.reason
        assert s.context() == s.history()


def test_a_redactor_that_leaves_nothing_costs_the_summary() -> None:
    with Session(budget=BUDGET, redactor=lambda text: "") as s:
        s.append(leaky())
        assert s.compact().writer is None


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_stateless_use_has_it_too(way: str) -> None:
    model = ScriptedDrafter(copying)
    budget = Budget(4000, reserve_tokens=0)
    options: Any = {  # no rung but summaries
        "budget": budget,
        "policy": Policy.anchored(fidelity_floor=0.0),
        "drafter": model,
        "redactor": redact_secrets,
    }
    if way == "sync":
        messages, event = compact(leaky(), **options)
    else:
        messages, event = await acompact(leaky(), **options)
    assert event.writer == "scripted"
    assert all(hidden(said(asked)) for asked in model.requests)
    assert hidden("\n".join(message.text for message in messages[:1]))
