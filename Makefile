# Every target makes .venv first if it is missing or older than what it is made from.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
comma := ,
LOWEST := .venv-lowest/.installed
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-lowest lint types format bench docs notebooks

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "PYTHON=python3.12 picks the interpreter that .venv is made with (3.11 or newer)."

demo: $(STAMP) ## Watch a conversation being compacted: FILE=chat.json WINDOW=8192 TRIGGER=.85 PRESET=layered LANGCHAIN=1 DRAFTER=tiny, all optional
	$(BIN)/python -m context_compaction demo $(FILE) \
		$(if $(WINDOW),--window $(WINDOW)) $(if $(TRIGGER),--trigger $(TRIGGER)) $(if $(PRESET),--preset $(PRESET)) \
		$(if $(LANGCHAIN),--langchain) $(if $(DRAFTER),--drafter $(DRAFTER))

test: lint types ## Lint, types, and every test not marked slow
	$(BIN)/python -m pytest -m "not slow" -n $(WORKERS) $(ARGS)

test-all: lint types ## The same with the slow tests: full replays, storms, more generated conversations
	HYPOTHESIS_PROFILE=storm $(BIN)/python -m pytest -o faulthandler_timeout=1800 -n $(WORKERS) $(ARGS)

# The faces, the drafter and the counters: what a release of another project can break.
test-lowest: $(LOWEST) ## The same for what meets other packages, with the lowest releases of them that are supported
	.venv-lowest/bin/python -m pytest tests/langchain tests/llamaindex tests/drafting tests/counting -m "not slow" -n $(WORKERS) $(ARGS)

lint: $(STAMP) ## Style, format, and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo

types: $(STAMP) ## Pyright, strict on the package
	$(BIN)/pyright

format: $(STAMP) ## Put the code in form and mend what ruff can mend
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

bench: $(STAMP) ## Measure everything into docs/benchmarks.json and .md; ARGS="quality --data DIR": one, printed
	$(BIN)/python -m benchmarks $(or $(ARGS),report)

docs: $(STAMP) ## Build the site into site/; it opens from there without a server
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict $(ARGS)

notebooks: $(STAMP) ## Run the notebooks and keep their outputs
	$(BIN)/python notebooks/run.py --write $(ARGS)

$(STAMP): pyproject.toml constraints.txt
	$(call install,.venv,constraints.txt,dev$(comma)docs)

$(LOWEST): pyproject.toml constraints-lowest.txt
	$(call install,.venv-lowest,constraints-lowest.txt,test)

# An environment with an extra: $(call install,FOLDER,CONSTRAINTS,EXTRA)
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "context-compaction needs Python 3.11 or newer; $(PYTHON) is missing or older." \
			"Try: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
	$(1)/bin/python -m pip install --quiet -c $(2) -e '.[$(3)]'
	@touch $@
endef
