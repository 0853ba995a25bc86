"""Tool rules: kind, path and range from names and arguments."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context_compaction.errors import InvalidPolicy
from context_compaction.messages import ToolCallBlock
from context_compaction.tools import ToolRule, ToolRules, ToolUse

RULES = ToolRules({"my_read": ToolRule(kind="read", path="file", start="from", end="to")})


def use(name: str, arguments: dict[str, Any] | str) -> ToolUse:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return RULES.use_of(ToolCallBlock("c", name, text))


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("read_file", {"path": "./a.py"}, ToolUse("read", "a.py")),
        ("Read", {"file_path": "/x/a.py", "offset": 10, "limit": 5}, ToolUse("read", "/x/a.py", (10, 14))),
        ("read", {"path": "a", "limit": 100}, ToolUse("read", "a", (0, 99))),
        ("view", {"path": "a", "start_line": 3, "end_line": "9"}, ToolUse("read", "a", (3, 9))),
        ("cat", {"path": "a", "lines": "3-8"}, ToolUse("read", "a", (3, 8))),
        ("read", {"path": "a", "offset": 1}, ToolUse("read", "a")),
        ("read", {"path": "a", "offset": None, "limit": None}, ToolUse("read", "a")),
        ("mcp__files__read_file", {"path": "dir\\b.py"}, ToolUse("read", "dir/b.py")),
        ("my_read", {"file": "a", "from": 3, "to": 9}, ToolUse("read", "a", (3, 9))),
        ("str_replace_based_edit_tool", {"command": "view", "path": "a"}, ToolUse("read", "a")),
        ("str_replace_editor", {"command": "view", "path": "a", "view_range": [1, -1]}, ToolUse("read", "a")),
        (
            "str_replace_editor",
            {"command": "view", "path": "a", "view_range": [5, 9]},
            ToolUse("read", "a", (5, 9)),
        ),
        ("str_replace_editor", {"command": "create", "path": "a"}, ToolUse("write", "a")),
        ("apply_patch", {"input": "*** Begin Patch\n*** Update File: b/c.py\n"}, ToolUse("write", "b/c.py")),
        ("write_file", {"path": "a", "content": "x"}, ToolUse("write", "a")),
    ],
)
def test_common_tools(name: str, arguments: dict[str, Any], expected: ToolUse) -> None:
    assert use(name, arguments) == expected


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("bash", {"command": "cat a.py"}),
        ("read", "{broken"),
        ("read", "[1]"),
        ("read", "[" * 100_000),
        ("read", {"file": 3}),
        ("read", {}),
        ("read", {"path": "a", "offset": -10}),
        ("read", {"path": "a", "limit": "many"}),
        ("read", {"path": "a", "limit": True}),
        ("read", {"path": "a", "line_number": 40}),
        ("view", {"path": "a", "view_range": [9, 5]}),
        ("apply_patch", {"input": "*** Update File: a\n*** Update File: b\n"}),
    ],
)
def test_what_is_not_understood_is_other(name: str, arguments: dict[str, Any] | str) -> None:
    """A wrong range would let something be called superseded that is not."""
    assert use(name, arguments) == ToolUse("other")


def test_rules_can_be_overridden() -> None:
    rules = ToolRules({"read": ToolRule(kind="other")})
    assert rules.use_of(ToolCallBlock("c", "read", '{"path": "a"}')).kind == "other"


def test_a_wrong_rule_is_refused() -> None:
    with pytest.raises(InvalidPolicy, match="peek"):
        ToolRules({"peek": ToolRule(kind="reads")})  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidPolicy, match="peek"):
        ToolRules({"peek": "read"})  # pyright: ignore[reportArgumentType]


def test_memory_is_bounded() -> None:
    rules = ToolRules()
    for number in range(10_000):
        rules.use_of(ToolCallBlock("c", "read", json.dumps({"path": f"f{number}"})))
    assert len(rules._uses) <= 4096  # pyright: ignore[reportPrivateUsage]


@given(
    st.sampled_from(["read", "view", "edit", "str_replace_editor"]),
    st.text()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["path", "offset", "limit", "lines", "view_range", "command"]), inner
            )
        ),
    ).map(json.dumps),
)
def test_nothing_raises(name: str, arguments: str) -> None:
    found = use(name, arguments)
    assert (found.kind == "other") == (found.path == "")
