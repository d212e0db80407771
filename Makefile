# Each target sets up what it needs: a virtual environment in .venv with this package in it.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: quickstart test test-slow lint bench docs gpu-report

quickstart: .venv/installed
	$(BIN)/iic quickstart

test: .venv/installed
	$(BIN)/pytest -n 2 --dist loadgroup

test-slow: .venv/installed
	$(BIN)/pytest -n 2 --dist loadgroup -m slow

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/installed
	$(BIN)/python -m projects.benchmarks.bench

# Pages in projects/documentation/site; a broken link or any other warning is an error.
docs: .venv/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --clean -f projects/documentation/mkdocs.yml

# Builds nothing: a machine with a GPU that is only lent may reach no network.
gpu-report:
	$(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON)) -m projects.benchmarks.gpu_report

.venv/installed: setup.py
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -qq --upgrade pip
	$(BIN)/pip install -qq -e ".[dev]"
	touch $@
