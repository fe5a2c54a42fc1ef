# Every target prepares .venv by itself; Python 3.11+ with venv, and make, are all that must be there.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
TEST_WORKERS ?= 2
PYTEST_ARGS ?=

BIN := .venv/bin
READY := .venv/.ready
COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --quiet pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help demo up test long check bench lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) ## start the suite with six sample patients and keep it running
	$(BIN)/caretrail demo

up: $(READY) ## start an empty suite
	$(BIN)/caretrail up

test: $(READY) ## run the test suite; repeat a run with CARETRAIL_TEST_SEED=...
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile $(PYTEST_ARGS)

long: $(READY) ## run the tests that take minutes; their results go to docs/results/
	CARETRAIL_TEST_RESULTS=docs/results $(BIN)/python -m pytest -m long $(PYTEST_ARGS)

check: $(READY) ## lint, format, types, import contracts, generated pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict events shared
	$(BIN)/lint-imports
	$(BIN)/python -m services.docs --check

bench: $(READY) ## measure against the stock recorder, raw SQL and raw kombu; writes build/bench.json
	$(BIN)/python -m tests.bench

lock: $(READY) ## pin the newest versions that pyproject.toml allows
	$(COMPILE) --upgrade --output-file requirements.txt
	$(COMPILE) --upgrade --extra dev --constraint requirements.txt --no-annotate --output-file requirements-dev.txt

clean: ## remove .venv, caches and build results; patients' logs stay
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find services shared events tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements-dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "CareTrail needs Python 3.11 or newer with venv (on Debian: python3-venv); set PYTHON=..." >&2; exit 1; }
	@echo "Preparing .venv; the first time takes a few minutes"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
