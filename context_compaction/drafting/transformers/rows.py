"""The rows of a batch while they are written: those that have ended leave, and the rest move together."""

from __future__ import annotations

import copy
from collections.abc import Container, Sequence
from typing import Any

from context_compaction.drafting.transformers.steps import Slots

GRAIN = 64
"""Slots are looked at up to a multiple of this: aligned masks, and few different sizes."""
WORTH = 0.8
"""Rows move together when no more than this share of them goes on: moving copies their keys and values."""


class Rows:
    """Which rows are where in the slots, and what those that left had written."""

    def __init__(self, slots: Slots, owners: Sequence[int]) -> None:
        self._whole = slots
        self.slots = slots
        """What the next step works on: the first rows of the slots, up to where they are filled."""
        self._owners = owners
        self._numbers = list(range(len(owners)))
        self._texts: list[list[int]] = [[] for _ in owners]

    def going_on(self, unwanted: Container[int] = ()) -> list[int]:
        """The places of rows that have not ended and whose owner wants them."""
        done = _numbers(self.slots.done)
        owners = self._owners
        return [
            place
            for place, number in enumerate(self._numbers)
            if not done[place] and owners[number] not in unwanted
        ]

    def reach(self, end: int) -> None:
        """Look at no slots behind this one."""
        length = min(-(-end // GRAIN) * GRAIN, self._whole.length)
        if length != self.slots.length:
            self.slots = narrowed(self._whole, len(self._numbers), length)

    def keep(self, places: Sequence[int]) -> None:
        """Let all other rows go, if that is worth the move."""
        if len(places) > WORTH * len(self._numbers):
            return
        self._note()
        move_rows(self._whole, places, int(self.slots.slot))
        self._numbers = [self._numbers[place] for place in places]
        self.slots = narrowed(self._whole, len(places), self.slots.length)

    def texts(self) -> list[list[int]]:
        """What each row has written, by its number."""
        self._note()
        return self._texts

    def _note(self) -> None:
        written = _numbers(self.slots.written[:, : int(self.slots.nth)])
        for number, tokens in zip(self._numbers, written, strict=False):
            self._texts[number] = tokens


def narrowed(slots: Slots, rows: int, length: int) -> Slots:
    """The first rows of slots and their first slots, as slots of their own that share the memory."""
    cache = copy.copy(slots.cache)
    cache.layers = [_narrowed_layer(layer, rows, length) for layer in slots.cache.layers]
    return Slots(
        cache,
        token=slots.token[:rows],
        position=slots.position[:rows],
        slot=slots.slot,
        nth=slots.nth,
        visible=slots.visible[:rows, :, :, :length],
        done=slots.done[:rows],
        limit=slots.limit[:rows],
        written=slots.written[:rows],
        noise=slots.noise[:, :rows],
    )


def _narrowed_layer(layer: Any, rows: int, length: int) -> Any:
    narrow = copy.copy(layer)  # its length so far is a tensor, and stays the same one
    narrow.keys, narrow.values = layer.keys[:rows, :, :length], layer.values[:rows, :, :length]
    narrow.batch_size, narrow.max_cache_len = narrow.keys.shape[0], narrow.keys.shape[2]
    return narrow


def move_rows(slots: Slots, places: Sequence[int], filled: int) -> None:
    """Move rows to the front, in their order; ``filled`` slots of each hold something."""
    keyed = [tensor for layer in slots.cache.layers for tensor in (layer.keys, layer.values)]
    by_row = (slots.token, slots.position, slots.visible, slots.done, slots.limit, slots.written)
    for to, place in enumerate(places):
        if to == place:
            continue
        for tensor in keyed:
            tensor[to, :, :filled] = tensor[place, :, :filled]
        for tensor in by_row:
            tensor[to] = tensor[place]
        slots.noise[:, to] = slots.noise[:, place]


def _numbers(tensor: Any) -> list[Any]:
    """A tensor on the host, which waits for the device."""
    return tensor.tolist()
