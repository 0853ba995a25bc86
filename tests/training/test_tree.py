"""One sequence for the seven prompts of a request: as good as each alone."""

from __future__ import annotations

from random import Random

import pytest

torch = pytest.importorskip("torch", reason="the drafter extra is not installed")
pytest.importorskip("transformers", reason="the drafter extra is not installed")

from training.tiny.language import summary_example  # noqa: E402
from training.tiny.model import new_model, new_tokenizer  # noqa: E402
from training.tiny.tree import IGNORED, KEPT_EMPTY, batch_of, loss_of, prompts_of, tree_of  # noqa: E402


@pytest.fixture(scope="module")
def tokenizer():
    return new_tokenizer(1)


@pytest.fixture(scope="module")
def model(tokenizer):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    return new_model(tokenizer).eval()


@pytest.fixture(scope="module")
def trees(tokenizer):
    rng = Random(9)
    return [tree_of(tokenizer, summary_example(rng, count)) for count in (2, 6)]


def alone(model, prompt: list[int], answer: list[int]) -> float:
    """The loss of one prompt by itself, by transformers' own attention, summed over its answer."""
    model.set_attn_implementation("sdpa")
    ids = torch.tensor([prompt + answer])
    labels = torch.full_like(ids, IGNORED)
    labels[0, len(prompt) :] = torch.tensor(answer)
    with torch.no_grad():
        return float(model(input_ids=ids, labels=labels).loss) * len(answer)


def together(model, trees, padding: int) -> float:
    model.set_attn_implementation("tree")
    with torch.no_grad():
        return float(loss_of(model, batch_of(trees, padding)))


def test_the_loss_of_a_ragged_batch_is_that_of_its_prompts_one_by_one(model, tokenizer, trees):
    branches = [(tree.prefix + ask, answer) for tree in trees for ask, answer in tree.branches]
    expected = sum(alone(model, prompt, answer) for prompt, answer in branches)
    expected /= sum(len(answer) for _, answer in branches)
    assert together(model, trees, tokenizer.pad_token_id) == pytest.approx(expected, rel=1e-5)


def test_what_is_learnt_from_a_tree_is_what_each_prompt_teaches(model, tokenizer, trees):
    model.set_attn_implementation("tree")
    loss_of(model, batch_of(trees, tokenizer.pad_token_id)).backward()
    together = gradients(model)
    model.set_attn_implementation("eager")
    branches = [(tree.prefix + ask, answer) for tree in trees for ask, answer in tree.branches]
    total = sum(len(answer) for _, answer in branches)
    for prompt, answer in branches:
        ids = torch.tensor([prompt + answer])
        labels = torch.full_like(ids, IGNORED)
        labels[0, len(prompt) :] = torch.tensor(answer)
        (model(input_ids=ids, labels=labels).loss * len(answer) / total).backward()
    for name, one_by_one in gradients(model).items():
        distance = (together[name] - one_by_one).norm() / one_by_one.norm()
        assert distance < 1e-2, name  # fp32, and heads that are sure of themselves


def gradients(model):
    found = {name: weight.grad.clone() for name, weight in model.named_parameters()}
    model.zero_grad()
    return found


def test_a_prompt_in_a_tree_has_the_tokens_that_it_has_alone(tokenizer):
    example = summary_example(Random(3), 8)
    tree = tree_of(tokenizer, example)
    for prompt, (ask, _) in zip(prompts_of(tokenizer, example.request), tree.branches, strict=True):
        assert tokenizer(prompt, add_special_tokens=False)["input_ids"] == tree.prefix + ask


def test_a_branch_does_not_see_another(model, tokenizer, trees):
    model.set_attn_implementation("tree")
    tree = trees[1]
    batch = batch_of([tree], tokenizer.pad_token_id)
    first = slice(len(tree.prefix), len(tree.prefix) + len(tree.branches[0][0]))
    with torch.no_grad():
        before = hidden(model, batch)
        batch.ids[0, first] = torch.arange(10, 10 + first.stop - first.start)
        after = hidden(model, batch)
    end = first.stop + len(tree.branches[0][1])
    assert torch.equal(before[0, : first.start], after[0, : first.start])
    assert not torch.allclose(before[0, first], after[0, first])
    assert torch.allclose(before[0, end:], after[0, end:], atol=1e-6)


def hidden(model, batch):
    return model.model(
        input_ids=batch.ids, attention_mask=batch.mask, position_ids=batch.positions, use_cache=False
    ).last_hidden_state


def test_thinning_drops_only_branches_that_say_nothing(trees):
    for tree in trees:
        thin = tree.thinned(Random(0))
        none = min((answer for _, answer in tree.branches), key=len)
        dropped = [branch for branch in tree.branches if branch not in thin.branches]
        assert dropped
        assert all(answer == none for _, answer in dropped)
        assert sum(answer == none for _, answer in thin.branches) == KEPT_EMPTY
