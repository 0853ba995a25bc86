"""What tool calls do to files, told from their names and arguments."""

from context_compaction.tools.rule import LineRange, ToolKind, ToolRule, ToolUse
from context_compaction.tools.rules import ToolRules

__all__ = ["LineRange", "ToolKind", "ToolRule", "ToolRules", "ToolUse"]
