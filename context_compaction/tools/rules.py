"""`ToolRules`: the rules of all tools, and what each call does by them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

from context_compaction.errors import InvalidPolicy
from context_compaction.messages import ToolCallBlock
from context_compaction.tools.arguments import read_arguments
from context_compaction.tools.common import COMMON_TOOLS
from context_compaction.tools.rule import OTHER, ToolKind, ToolRule, ToolUse

_REMEMBERED = 4096
_MAX_CHARS = 8192
"""Longer arguments are read again rather than remembered: memory against some microseconds."""


class ToolRules:
    """Which tools read and write files. A table of common names is built in; ``rules`` adds to it.

    ``ToolRules({"my_read": ToolRule(kind="read", path="file", start="from", end="to")})``. Names are matched
    without case, and without an MCP-like prefix (``files__read_file``). Raises `InvalidPolicy` for a rule
    that is none.
    """

    __slots__ = ("_rules", "_uses")

    def __init__(self, rules: Mapping[str, ToolRule] | None = None) -> None:
        self._rules = dict(COMMON_TOOLS)
        for name, rule in (rules or {}).items():
            self._rules[name.casefold()] = _checked(name, rule)
        self._uses: dict[tuple[str, str], ToolUse] = {}

    def rule_for(self, name: str) -> ToolRule | None:
        """The rule of a tool, None for an unknown one."""
        known = self._rules.get(name.casefold())
        return known or self._rules.get(re.split(r"__|[./:]", name.casefold())[-1])

    def use_of(self, call: ToolCallBlock) -> ToolUse:
        """What a call does. Unknown tools, invalid arguments and calls without a path are ``other``."""
        key = (call.name, call.arguments)
        use = self._uses.get(key)
        if use is None:
            rule = self.rule_for(call.name)
            use = read_arguments(rule, call) if rule is not None else OTHER
            if len(self._uses) >= _REMEMBERED:
                self._uses = {}
            if len(call.arguments) <= _MAX_CHARS:
                self._uses[key] = use
        return use


def _checked(name: str, rule: ToolRule) -> ToolRule:
    if not isinstance(rule, ToolRule):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidPolicy(f"tool {name!r}: {rule!r} is no ToolRule")
    for kind in (rule.kind, *(rule.kinds or {}).values()):
        if kind not in get_args(ToolKind):
            raise InvalidPolicy(
                f"tool {name!r}: kind is {kind!r}; use one of {', '.join(get_args(ToolKind))}"
            )
    return rule
