"""``python -m context_compaction demo``: a real long conversation kept inside a small window, nothing lost."""
