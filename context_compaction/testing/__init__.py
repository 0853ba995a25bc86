"""For tests: contract suites of backends, scripted and misbehaving drafters and embedders, fault points."""
