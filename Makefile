# Every target makes .venv first if it is missing or older than what it is made from.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo test test-all lint types format bench docs notebooks

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
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
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "context-compaction needs Python 3.11 or newer; $(PYTHON) is missing or older." \
			"Try: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,docs]'
	@touch $@
