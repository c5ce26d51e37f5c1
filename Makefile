# The commands people and CI run. Everything lives in .venv; nothing outside the folder is touched.
PYTHON ?= python3
VENV ?= .venv
# Elsewhere `pip install torch` takes the CUDA build (gigabytes). Point this at the index of CPU wheels that PyTorch's
# "Get started" page names, and torch comes from there: make demo TORCH_INDEX=https://…
TORCH_INDEX ?=
SHELL := /bin/bash
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
CODE := data models training serving
export TOKENIZERS_PARALLELISM := false

.PHONY: demo serve test test-all check bench evaluate clean

demo: $(VENV)/core
	@mkdir -p out
	$(BIN)/python -m serving score data/sample --output out/demo.jsonl --overwrite --table

serve: $(VENV)/core
	$(BIN)/python -m serving run

test: $(VENV)/dev
	$(BIN)/python -m pytest

test-all: test
	$(BIN)/python -m pytest -m "slow or gpu"

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/dev
	$(BIN)/python -m tests.benchmarks.bench_classifier

evaluate: $(VENV)/dev
	$(BIN)/python -m training evaluate --data $(or $(DATA),../shared/real)

$(VENV)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Zhaoshang needs Python 3.11 or newer (make PYTHON=python3.11 …)")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/core: $(VENV)/python pyproject.toml constraints.txt
	$(if $(TORCH_INDEX),$(PIP) --index-url $(TORCH_INDEX) --no-deps torch)
	$(PIP) --editable .
	@touch $@

$(VENV)/dev: $(VENV)/core
	$(PIP) --editable '.[dev]'
	@touch $@

clean:
	rm -rf out .pytest_cache .mypy_cache .ruff_cache .hypothesis
