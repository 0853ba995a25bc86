"""What is known about one tool, and what one of its calls does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

ToolKind = Literal["read", "write", "other"]
LineRange = tuple[int, int | None]
"""First and last line, both included; None: to the end of the file."""
Names = str | Sequence[str]

_PATHS = (
    "path",
    "file_path",
    "filepath",
    "file",
    "filename",
    "file_name",
    "target_file",
    "absolute_path",
    "relative_path",
    "relative_workspace_path",
    "notebook_path",
)
_STARTS = ("start_line", "offset", "start", "line_start", "from_line", "start_line_one_indexed")
_ENDS = ("end_line", "end", "line_end", "to_line", "end_line_one_indexed", "end_line_one_indexed_inclusive")
_COUNTS = ("limit", "num_lines", "line_count", "max_lines", "head")
_SPANS = ("view_range", "line_range", "lines", "range")
_PATCHES = ("patch", "input", "diff", "patch_text")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRule:
    """How to read one tool's arguments. A name, or several of which the first that is given counts."""

    kind: ToolKind
    """``read`` shows a file or a part of it, ``write`` changes one, ``other`` is neither."""
    path: Names = _PATHS
    """Argument with the file's path."""
    start: Names = _STARTS
    """Argument with the first line."""
    end: Names = _ENDS
    """Argument with the last line, included; -1 is the end of the file."""
    count: Names = _COUNTS
    """Argument with a number of lines from ``start`` on."""
    span: Names = _SPANS
    """Argument with first and last line together: ``[10, 20]`` or ``"10-20"``."""
    patch: Names = _PATCHES
    """Argument with a patch that names its file, looked at when there is no path."""
    kinds: Mapping[str, ToolKind] | None = None
    """For a tool of many commands: the kind by the value of its argument ``command``."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """What one call does."""

    kind: ToolKind
    path: str = ""
    """Normalised; empty for ``other``."""
    range: LineRange | None = None
    """The lines that a read asks for; None: the whole file."""


OTHER = ToolUse("other")
