# Each target sets up what it needs: a virtual environment in .venv with this package in it.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: quickstart test test-slow lint

quickstart: .venv/installed
	$(BIN)/iic quickstart

test: .venv/installed
	$(BIN)/pytest -n 2 --dist loadgroup

test-slow: .venv/installed
	$(BIN)/pytest -m slow

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/installed: setup.py
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -qq --upgrade pip
	$(BIN)/pip install -qq -e ".[dev]"
	touch $@
