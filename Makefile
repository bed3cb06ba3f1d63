# Every verb that people, the hook and CI use; `make` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?=
PORT ?=
MINUTES ?= 10
SAMPLES ?= 1
UP := $(if $(DATA),--data "$(DATA)",) $(if $(PORT),--port $(PORT),) $(if $(filter 0,$(SAMPLES)),--no-samples,)

.PHONY: help setup run test lint types architecture unit test-security test-faults test-fuzz bench format docs clean
.DEFAULT_GOAL := help

help: ## what each verb does
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(BIN)/miraveja: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV): about a minute the first time"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: $(BIN)/miraveja
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

setup: $(BIN)/miraveja ## make the environment and install

run: setup ## start the gallery (DATA=… PORT=… SAMPLES=0)
	@$(BIN)/miraveja up $(UP)

test: lint types architecture unit ## every check and every test

lint: $(VENV)/.dev ## format and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev ## strict types
	$(BIN)/mypy

architecture: $(VENV)/.dev ## the one arrow
	$(BIN)/lint-imports --no-logo

unit: $(VENV)/.dev ## the tests
	$(BIN)/pytest -n 2 --dist loadfile -q -m "not faults"

test-security: $(VENV)/.dev ## the promises of SECURITY.md, their tests and results
	$(BIN)/python -m pytest -n 2 --dist loadfile -q -m "not faults" -p tests.support.promise_map

test-faults: $(VENV)/.dev ## the whole fault matrix (minutes), and docs/faults.md
	$(BIN)/python -m pytest -n 2 --dist worksteal -q -p tests.support.fault_table

test-fuzz: $(VENV)/.dev ## broken pictures and odd requests, side by side (MINUTES=10 each)
	TEST_FUZZ_MINUTES=$(MINUTES) $(BIN)/pytest -n 2 --dist loadfile -q -rP --timeout 0 tests/security/test_broken_pictures.py tests/security/test_contract.py

bench: $(VENV)/.dev ## ratios against naive baselines, in one run (QUICK=1 only shows that it runs)
	$(BIN)/python -m tests.speed $(if $(QUICK),--quick,)

format: $(VENV)/.dev ## mend format and what can be mended of lint
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

docs: $(VENV)/.dev ## make the generated pages anew
	$(BIN)/python -m events.docs
	$(BIN)/python -m tests.support.documents

clean: ## remove the environment and caches; no gallery's data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
