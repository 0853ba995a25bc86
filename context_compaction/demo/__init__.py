"""``python -m context_compaction demo``: a long conversation in a small window, nothing lost."""
