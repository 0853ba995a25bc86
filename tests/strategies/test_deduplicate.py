"""Deduplicate: output that something later makes needless."""

from __future__ import annotations

import json
from typing import Any

from context_compaction.messages import ToolCallBlock
from context_compaction.strategies import Deduplicate
from tests.builders import Dict, after, edits, lines, scene_of, texts, used, user


def read(number: int, path: str = "a.py", count: int = 40, **more: Any) -> list[Dict]:
    return used(f"c{number}", "read_file", {"path": path, **more}, lines(count, f"{path}{number}"))


def superseded(*parts: list[Dict], **options: Any) -> dict[int, str]:
    """Numbers and texts of the edited messages."""
    scene = after(scene_of([message for part in parts for message in part], **options), Deduplicate())
    return {seq: texts(scene)[seq] for seq in edits(scene)}


def test_a_full_read_supersedes_earlier_reads_of_its_file() -> None:
    found = superseded(
        [user("q")], read(1, offset=5, limit=9), read(2), read(3), read(4, "b.py"), [user("q2")]
    )
    assert set(found) == {3, 5}
    assert found[3] == "[output omitted: superseded by a later read of a.py - recall m:3]"


def test_a_ranged_read_supersedes_only_parts_of_its_range() -> None:
    found = superseded(
        [user("q")],
        read(1, offset=10, limit=20),
        read(2, offset=5, limit=50),
        read(3),
        read(4, offset=1, limit=60),
        [user("q2")],
    )
    assert set(found) == {3, 5}


def test_a_write_supersedes_earlier_reads_but_a_failed_one_does_not() -> None:
    wrote = used("w", "write_file", {"path": "./a.py", "content": "x"}, "ok")
    refused = used("w", "write_file", {"path": "a.py", "content": "x"}, "Error: no such file")
    assert superseded([user("q")], read(1), wrote, [user("q2")])[3].startswith(
        "[output omitted: superseded by a later write"
    )
    assert superseded([user("q")], read(1), refused, [user("q2")]) == {}


def test_stubs_and_cut_off_reads_supersede_nothing() -> None:
    """Some tools answer a repeated read with a stub, and cut a long file off."""
    stub = used("s", "read_file", {"path": "a.py"}, "unchanged since the last read")
    assert superseded([user("q")], read(1), stub, [user("q2")]) == {}
    assert superseded([user("q")], read(1, offset=900, limit=40), read(2, count=500), [user("q2")]) == {}


def test_the_current_turn_is_never_edited_but_counts() -> None:
    found = superseded([user("q")], read(1), [user("q2")], read(2), read(3))
    assert set(found) == {3}


def test_unknown_tools_only_by_identical_long_output() -> None:
    def ran(number: int, output: str) -> list[Dict]:
        return used(f"b{number}", "bash", {"command": "ls"}, output)

    long, short = lines(60), lines(5)
    assert set(
        superseded([user("q")], ran(1, long), ran(2, short), ran(3, long), ran(4, short), [user("q2")])
    ) == {3}


def test_arguments_of_failed_calls_are_shortened_after_four_turns() -> None:
    arguments = {"path": "a.py", "oldText": "x" * 900, "n": 1}
    failed = used("e", "edit", arguments, "Error: text not found")
    turns = [user(f"t{number}") for number in range(4)]
    assert superseded([user("q")], failed, turns[:3]) == {}
    scene = after(scene_of([user("q"), *failed, *turns]), Deduplicate())
    asked = edits(scene)[2].blocks[0]
    assert isinstance(asked, ToolCallBlock)
    short = json.loads(asked.arguments)
    assert short["path"] == "a.py"
    assert short["n"] == 1
    assert short["oldText"].endswith("[... 780 characters omitted - recall m:2]")


def test_without_an_archive_no_reference_is_named() -> None:
    found = superseded([user("q")], read(1), read(2), [user("q2")], references=False)
    assert found == {3: "[output omitted: superseded by a later read of a.py]"}


def test_late_results_stay_quoted() -> None:
    late = [
        user("q"),
        used("c", "read_file", {"path": "a.py"}, "")[0],
        user("interrupted"),
        used("c", "", "{}", lines(40))[1],
    ]
    found = superseded(late, read(2), [user("q2")])
    assert found[4].startswith('<quoted_tool_result ref="m:4">\n[output omitted')
