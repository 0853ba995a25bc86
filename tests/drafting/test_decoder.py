"""Token for token what `generate` writes, however the rows are laid out."""

from __future__ import annotations

from typing import Any

import pytest

from context_compaction.drafting.transformers import decoder as module
from context_compaction.drafting.transformers.attention import use_grouped
from context_compaction.drafting.transformers.decoder import CHECK_EVERY, Decoder, SharedPrompt
from context_compaction.drafting.transformers.generate import GenerateDecoder
from context_compaction.drafting.transformers.model import CausalModel
from context_compaction.drafting.transformers.rows import WORTH
from context_compaction.drafting.transformers.sampling import Sampling
from tests.drafting.models import model, torch

NEW = 24


def ids(count: int, seed: int) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(1, 512, (count,), generator=generator).tolist()


def generated(causal: Any, prompt: list[int], new: int = NEW, eos: int | None = None) -> list[int]:
    """What transformers writes after this prompt alone, its end token left out."""
    out = causal.generate(
        input_ids=torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        generation_config=module_config(new, eos),
    )[0, len(prompt) :].tolist()
    return out[: out.index(eos)] if eos in out else out


def module_config(new: int, eos: int | None) -> Any:
    from transformers import GenerationConfig

    return GenerationConfig(max_new_tokens=new, do_sample=False, eos_token_id=eos, pad_token_id=0)


def decoder_of(causal: Any, ends: tuple[int, ...] = (), banned: tuple[int, ...] = ()) -> Decoder:
    return Decoder(CausalModel(causal), ends=ends, banned=banned)


TOLD = ids(9, 99)
LAYOUTS = {
    "one": [SharedPrompt(ids(40, 1), [ids(3, 2)], NEW)],
    "ragged": [SharedPrompt(ids(n, n), [ids(1, n + 1)], NEW) for n in (5, 61, 2, 33, 61)],
    "sections": [SharedPrompt(ids(70, 3), [ids(n, n) for n in (4, 9, 1, 7, 7)], NEW)],
    "several with sections": [
        SharedPrompt(TOLD + ids(n, n), [ids(m, n + m) for m in (2, 6, 6)], NEW) for n in (50, 3, 22)
    ],
    "limits of their own": [
        SharedPrompt(ids(20, 4), [ids(2, 5)], 3),
        SharedPrompt(ids(9, 6), [ids(2, 7)], NEW),
    ],
}


@pytest.mark.parametrize("kind", ["qwen3", "llama"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_equal_to_generate(kind: str, layout: str):
    causal = model(kind)
    prompts = LAYOUTS[layout]
    answers = decoder_of(causal).write(prompts)
    for prompt, several in zip(prompts, answers, strict=True):
        expected = [generated(causal, [*prompt.prefix, *each], prompt.max_new) for each in prompt.suffixes]
        assert several == expected
    assert (
        len({token for several in answers for row in several for token in row}) > 3
    )  # not one word over and over


def test_instructions_that_were_kept_change_nothing():
    causal = model()
    decoder = decoder_of(causal)
    prompts = LAYOUTS["several with sections"]
    plain = decoder.write(prompts)
    assert decoder.write(prompts, instructions=TOLD) == plain
    assert decoder.write(prompts, instructions=TOLD) == plain  # now from what was kept
    other = ids(4, 55)
    moved = [SharedPrompt([*other, *prompt.prefix], prompt.suffixes, NEW) for prompt in prompts]
    assert decoder.write(moved, instructions=other) == decoder.write(moved)


def test_slots_are_used_again_and_nothing_of_the_last_draft_is_seen():
    causal = model()
    decoder = decoder_of(causal)
    first, second = LAYOUTS["sections"], [SharedPrompt(ids(66, 8), [ids(n, n) for n in (4, 9, 1, 7, 7)], NEW)]
    before = decoder.write(first)
    slots = next(iter(decoder.sizes.values()))
    assert decoder.write(second) == [
        [generated(causal, [*second[0].prefix, *each]) for each in second[0].suffixes]
    ]
    assert decoder.write(first) == before
    assert list(decoder.sizes.values()) == [slots]


def test_only_a_few_sizes_of_slots_are_kept():
    decoder = decoder_of(model())
    for rows in range(1, 7):
        decoder.write([SharedPrompt(ids(5, 1), [ids(1, 2)] * rows, 2)])
    assert len(decoder.sizes) == module.KEPT_SLOTS
    decoder.close()
    assert not decoder.sizes


@pytest.mark.parametrize("kind", ["qwen3", "llama"])
def test_each_row_ends_at_its_own_end_token(kind: str):
    causal = model(kind)
    prompts = LAYOUTS["ragged"]
    whole = decoder_of(causal).write(prompts)
    eos = whole[1][0][5]
    ended = decoder_of(causal, ends=(eos,)).write(prompts)
    for prompt, several in zip(prompts, ended, strict=True):
        assert several == [generated(causal, [*prompt.prefix, *each], NEW, eos) for each in prompt.suffixes]
    assert ended[1][0] == whole[1][0][: whole[1][0].index(eos)]
    assert any(len(several[0]) == NEW for several in ended)


def test_no_more_steps_than_needed_once_all_have_ended():
    causal = model()
    prompt = LAYOUTS["one"]
    eos = decoder_of(causal).write(prompt)[0][0][0]
    calls = counting(causal)
    assert decoder_of(causal, ends=(eos,)).write(
        [SharedPrompt(prompt[0].prefix, prompt[0].suffixes, 500)]
    ) == [[[]]]
    assert len(calls) <= 2 + CHECK_EVERY


def counting(causal: Any) -> list[int]:
    """Rows of each call of the model from now on."""
    calls: list[int] = []
    causal.register_forward_pre_hook(
        lambda _, args, kwargs: calls.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    return calls


def test_rows_that_ended_are_let_go_and_the_others_write_on_as_before():
    causal = model()
    prompts = LAYOUTS["ragged"] + LAYOUTS["several with sections"]
    whole = [row for several in decoder_of(causal).write(prompts) for row in several]
    ends = (whole[0][2], whole[1][1], whole[5][1], whole[7][9])
    calls = counting(causal)
    ended = [row for several in decoder_of(causal, ends=ends).write(prompts) for row in several]
    assert ended == [module.until_end(row, set(ends)) for row in whole]
    steps = calls[-(NEW - 1) :]
    going_on = [sum(len(row) >= count for row in ended) for count in range(1, len(steps) + 1)]
    assert all(on <= computed <= max(on, on / WORTH) for on, computed in zip(going_on, steps, strict=True))
    assert max(map(len, ended)) == NEW
    assert min(steps) < 0.6 * len(whole)


@pytest.mark.parametrize("seed", [1, 2])
def test_sampled_rows_keep_their_own_luck_when_others_leave(seed: int):
    causal = model()
    prompts = LAYOUTS["ragged"]
    free = [rows[0] for rows in decoder_of(causal).write(prompts, sampling=Sampling(), seed=seed)]
    ends = (free[0][1], free[2][4])
    ended = decoder_of(causal, ends=ends).write(prompts, sampling=Sampling(), seed=seed)
    assert [rows[0] for rows in ended] == [module.until_end(row, set(ends)) for row in free]
    assert len({len(rows[0]) for rows in ended}) > 1


@pytest.mark.parametrize("rows", [1, 5])
@pytest.mark.parametrize("new", [1, 9])
def test_grouped_attention_gives_what_repeated_heads_give(rows: int, new: int):
    plain, grouped = model("llama"), model("llama")
    use_grouped(grouped)
    assert grouped.config._attn_implementation != plain.config._attn_implementation
    assert grouped.config.num_key_value_heads < grouped.config.num_attention_heads
    tokens = torch.tensor([ids(12, row) for row in range(rows)])
    further = torch.tensor([ids(new, 50 + row) for row in range(rows)])
    mask = torch.rand(rows, 1, new, 12 + new) < 0.7
    mask[..., 0] = True
    position = torch.arange(12 + new).expand(rows, -1)
    logits = []
    for causal in (CausalModel(plain), CausalModel(grouped)):
        cache = causal.growing_cache()
        with torch.no_grad():
            causal(tokens, position[:, :12], None, cache)
            logits.append(causal(further, position[:, 12:], mask, cache))
    torch.testing.assert_close(*logits)


def test_banned_words_are_not_written():
    causal = model()
    prompt = LAYOUTS["one"]
    free = decoder_of(causal).write(prompt)[0][0]
    banned = decoder_of(causal, banned=(free[0], free[3])).write(prompt)[0][0]
    assert {free[0], free[3]}.isdisjoint(banned)


def test_all_given_up_ends_it_within_sixteen_steps_and_one_alone_does_not():
    causal = model()
    decoder = decoder_of(causal)
    prompts = [SharedPrompt(ids(9, n), [ids(1, n)], 400) for n in (1, 2)]
    calls = counting(causal)
    partial = decoder.write(prompts, look=lambda written: (0, 1) if written >= 40 else ())
    assert len(calls) <= 2 + 40 + 16
    assert all(40 <= len(several[0]) <= 56 for several in partial)
    calls.clear()
    decoder.write(prompts, look=lambda _: (0,))
    assert len(calls) >= 400
    calls.clear()
    assert decoder.write(prompts, look=lambda _: (0, 1)) == [[[]], [[]]]
    assert calls == []


def test_a_sampled_try_is_another_text_and_the_same_for_the_same_seed():
    decoder = decoder_of(model())
    prompts = LAYOUTS["sections"]
    greedy = decoder.write(prompts)
    first, again, other = (decoder.write(prompts, sampling=Sampling(), seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != greedy
    assert first != other


def test_what_is_sampled_is_among_the_likeliest():
    causal = model()
    prompt = LAYOUTS["one"][0]
    whole = [*prompt.prefix, *prompt.suffixes[0]]
    logits = causal(torch.tensor([whole])).logits[0, -1]
    likeliest = set(logits.topk(20).indices.tolist())
    decoder = decoder_of(causal)
    drawn = {
        decoder.write([SharedPrompt(prompt.prefix, prompt.suffixes, 1)], sampling=Sampling(), seed=seed)[0][
            0
        ][0]
        for seed in range(1, 40)
    }
    assert drawn <= likeliest
    assert len(drawn) > 1
    always = Sampling(top_p=0.0)
    assert decoder.write([SharedPrompt(prompt.prefix, prompt.suffixes, 1)], sampling=always, seed=3) == [
        [[int(logits.argmax())]]
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_models_with_other_caches_go_through_generate(layout: str):
    plain, sliding = CausalModel(model()), CausalModel(model("mistral", sliding_window=16))
    assert plain.is_plain
    assert not sliding.is_plain
    prompts = LAYOUTS[layout]
    assert GenerateDecoder(plain, ends=()).write(prompts) == decoder_of(plain.module).write(prompts)
    answers = GenerateDecoder(sliding, ends=()).write(prompts)
    for prompt, several in zip(prompts, answers, strict=True):
        assert [len(row) for row in several] == [prompt.max_new] * len(prompt.suffixes)


def test_generate_gives_up_as_well_and_samples_by_seed():
    causal = model("mistral", sliding_window=16)
    decoder = GenerateDecoder(CausalModel(causal), ends=(), banned=(5,))
    prompts = [SharedPrompt(ids(9, 1), [ids(1, 1)], 400)]
    assert len(decoder.write(prompts, look=lambda written: (0,) if written >= 40 else ())[0][0]) <= 56
    short = [SharedPrompt(ids(9, 1), [ids(1, 1)], 20)]
    first, again, other = (decoder.write(short, sampling=Sampling(), seed=seed) for seed in (1, 1, 2))
    assert first == again != other
