"""The circuit that weights begin with: it copies before anything is learnt."""

from __future__ import annotations

from random import Random

import pytest

torch = pytest.importorskip("torch", reason="the drafter extra is not installed")
transformers = pytest.importorskip("transformers", reason="the drafter extra is not installed")

from training.tiny.model import untrained  # noqa: E402
from training.tiny.wiring import wire  # noqa: E402


def string(rng: Random, length: int) -> list[int]:
    return [rng.randrange(300, 1000) for _ in range(length)]


def continued(model, ids: list[int], count: int) -> list[int]:
    out = model.generate(
        torch.tensor([ids]), max_new_tokens=count, do_sample=False, eos_token_id=None, pad_token_id=0
    )
    return out[0, len(ids) :].tolist()


@pytest.mark.parametrize("length", [30, 200, 800])
def test_a_string_of_any_tokens_is_copied_on_from_where_two_of_them_came(length: int):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = untrained(eos=2, pad=0).eval()
    rng = Random(length)
    copied = 0
    for _ in range(10):
        ids = string(rng, length)
        at = rng.randrange(length - 14)
        copied += continued(model, [*ids, *ids[at : at + 2]], 10) == ids[at + 2 : at + 12]
    assert copied >= 7  # a random code is now and then too like another


def test_the_token_before_tells_apart_two_places_with_the_same_token():
    torch.manual_seed(0)
    model = untrained(eos=2, pad=0).eval()
    rng = Random(3)
    hits = 0
    for _ in range(20):
        ids = string(rng, 60)
        ids[10], ids[40] = ids[25], ids[25]
        hits += continued(model, [*ids, ids[9], ids[10]], 1) == [ids[11]]
    assert hits >= 14  # by the token alone it would be seven


def test_without_the_circuit_nothing_is_copied():
    torch.manual_seed(0)
    model = untrained(eos=2, pad=0, wired=False).eval()
    ids = string(Random(1), 30)
    assert continued(model, [*ids, *ids[5:7]], 10) != ids[7:17]
    wire(model)
    assert continued(model, [*ids, *ids[5:7]], 10) == ids[7:17]
