"""What a session remembers between turns, as it is stored."""

from __future__ import annotations

import json

import pytest

from context_compaction.render import Quote
from context_compaction.session.notes import Notes, Recalled, recalled_in


@pytest.mark.parametrize(
    ("stored", "choice"),
    [
        (None, None),
        ([9], Recalled(9)),
        ([9, 2, 5], Recalled(9, (Quote(2), Quote(5)))),
        ([9, 2, [5, 0, 10, 40, 60], 7], Recalled(9, (Quote(2), Quote(5, ((0, 10), (40, 60))), Quote(7)))),
    ],
)
def test_a_choice_is_stored_with_its_passages(stored: list[object] | None, choice: Recalled | None) -> None:
    """Whole messages by their numbers alone, as they were before there were passages."""
    assert recalled_in({"recalled": stored}) == choice
    written = json.loads(json.dumps(Notes(recalled=choice).to_json()))
    assert written["recalled"] == stored
    assert Notes.from_json(written, "").recalled == choice
