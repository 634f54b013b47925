# make run    build the graph of Jena and serve it on http://localhost:8000 (PORT=9000, REAL_DATA=folder, CITY=folder)
# make test   lint, types and the test suite (in JOBS=3 processes: many of them wait for servers and disks); make test-slow runs the long tests
# Needs Python 3.11 or newer and make. The network is used only to install, the first time.

PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
CITY ?= city
REAL_DATA ?=
JOBS ?= 3
BIN := $(VENV)/bin

.PHONY: run build test test-slow lint format bench clean help

help:
	@sed -n 's/^# //p' Makefile

run: $(VENV)/.installed
	$(BIN)/stadtgraph build --city $(CITY) $(if $(REAL_DATA),--real-data $(REAL_DATA))
	$(BIN)/stadtgraph serve --city $(CITY) --port $(PORT)

build: $(VENV)/.installed
	$(BIN)/stadtgraph build --city $(CITY) $(if $(REAL_DATA),--real-data $(REAL_DATA))

test: lint
	$(BIN)/python -m pytest -q -m "not slow" -n $(JOBS) --dist loadfile --no-loadscope-reorder

test-slow: $(VENV)/.installed-test
	$(BIN)/python -m pytest -q -m slow

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed-test
	$(BIN)/python bench/build.py

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "stadtgraph needs Python 3.11 or newer; name it with: make run PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "Python's venv module is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test,lint]"
	@touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
