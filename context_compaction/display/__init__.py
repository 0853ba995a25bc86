"""How the package's values are shown in a notebook: HTML of one's own for each, no script, no network."""

from context_compaction.display.showing import html_of

__all__ = ["html_of"]
