"""The local drafter where its libraries are not installed."""

from __future__ import annotations

import pytest

from context_compaction import MissingPackage, TransformersDrafter
from context_compaction.drafting.transformers import origin


@pytest.mark.parametrize("missing", ["torch", "transformers"])
def test_it_says_what_to_install(missing: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(origin, "find_spec", lambda name: None if name == missing else object())
    with pytest.raises(MissingPackage, match=rf"needs {missing}.*context-compaction\[drafter\]") as raised:
        TransformersDrafter("a/model")
    assert (raised.value.package, raised.value.extra) == (missing, "drafter")
