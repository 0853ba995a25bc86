"""Names that tools of coding agents commonly have."""

from __future__ import annotations

from context_compaction.tools.rule import ToolKind, ToolRule

_EDITOR: dict[str, ToolKind] = {
    "view": "read",
    "create": "write",
    "str_replace": "write",
    "insert": "write",
    "undo_edit": "write",
}
# `open` is missing: where agents have it, it shows a window of the file and not the whole
_READS = "read read_file readfile read_text_file read_notebook fs_read view view_file cat open_file"
_WRITES = (
    "write write_file write_to_file fs_write create create_file update_file overwrite_file append_file "
    "delete_file edit edit_file multi_edit multiedit apply_patch str_replace replace search_replace "
    "replace_in_file replace_string_in_file insert_edit_into_file notebook_edit notebookedit"
)
_EDITORS = "str_replace_based_edit_tool str_replace_editor text_editor"

COMMON_TOOLS: dict[str, ToolRule] = {
    **{name: ToolRule(kind="read") for name in _READS.split()},
    **{name: ToolRule(kind="write") for name in _WRITES.split()},
    **{name: ToolRule(kind="other", kinds=_EDITOR) for name in _EDITORS.split()},
}
