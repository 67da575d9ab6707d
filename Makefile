# Two commands matter: `make run` opens the dashboard, `make test` passes all tests. Each sets everything up by itself.
PYTHON ?= python3
VENV := .venv
READERS := .venv-readers
BIN := $(VENV)/bin
PORT ?= 8501

.PHONY: run test test-readers test-faults test-load fuzz check format bench bench-ui lock clean help

help:            ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/  —/'

run: $(VENV)/.user      ## open the dashboard on the embedded demo dataset
	MALLOC_ARENA_MAX=2 $(BIN)/streamlit run app.py --server.port $(PORT)

test: $(VENV)/.dev $(VENV)/.browser      ## all tests, browser tests included, and coverage of core
	scripts/test.sh

test-readers: $(VENV)/.dev $(READERS)/.anndata $(READERS)/.archs4py      ## what leaves is read by anndata, cmapPy and archs4py
	$(BIN)/python -m pytest -m readers tests/readers

test-faults: $(VENV)/.dev      ## kills, full disks, damaged databases, for real: case, expected, observed
	$(BIN)/python -m tests.faults

test-load: $(VENV)/.dev      ## fifty browser sessions at once on the demo: case, expected, observed (ten minutes)
	$(BIN)/python -m tests.load

fuzz: $(VENV)/.dev      ## hostile input to everything that reads, as tables (half an hour)
	$(BIN)/python -m tests.fuzz

check: $(VENV)/.dev      ## lint, types, import contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=. $(BIN)/lint-imports

format: $(VENV)/.dev      ## rewrite the code in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev      ## speed, memory and exactness beside the plain ways, into docs/benchmarks.md (half an hour)
	$(BIN)/python -m benchmarks

bench-ui: $(VENV)/.dev $(VENV)/.browser      ## how fast the pages answer in a browser, into docs/benchmarks-ui.md
	$(BIN)/python -m benchmarks.ui

lock: $(VENV)/.dev      ## requirements.lock with every hash, and the report of licences
	scripts/lock.sh $(BIN)/python
	$(BIN)/python scripts/licences.py

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "ARCHScope needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# torch goes first: the plain package index would bring gigabytes of CUDA along.
$(VENV)/.user: requirements.txt | $(VENV)/bin/python
	scripts/install.sh $(BIN)/python requirements.txt
	touch $@

$(VENV)/.dev: requirements.txt requirements-dev.txt | $(VENV)/bin/python
	scripts/install.sh $(BIN)/python requirements-dev.txt
	touch $@ $(VENV)/.user

$(VENV)/.browser: $(VENV)/.dev
	scripts/browser.sh $(BIN)/python
	touch $@

# Each in an environment of its own: anndata needs an older pandas than the dashboard has.
$(READERS)/.%: requirements-readers-%.txt
	$(PYTHON) -m venv $(READERS)/$*
	$(READERS)/$*/bin/python -m pip install --quiet -r $<
	touch $@

clean:           ## remove the environment and everything made at run time
	rm -rf $(VENV) $(READERS) data/local .coverage* .pytest_cache .mypy_cache .ruff_cache
