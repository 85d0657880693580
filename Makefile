# Everything a newcomer needs: `make run` and `make test` do all the set-up from nothing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

.PHONY: run demo test lint bench faults fuzz pictures format clean help
help:
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

run: $(VENV)/run.stamp ## the demo: everything running, with traffic, on this machine
	@$(BIN)/privata demo $(ARGS)

demo: run

# Files share out over a few processes, the long ones first; with ARGS, exactly what they say.
test: $(VENV)/dev.stamp ## every test
	@$(BIN)/python scripts/fetch_browser.py
	@$(BIN)/python -m pytest $(or $(ARGS),--numprocesses auto --dist loadfile --no-loadscope-reorder)

lint: $(VENV)/dev.stamp ## style, types, import contracts, templates, file sizes
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python scripts/house_rules.py
	@$(BIN)/python scripts/rooms.py

bench: $(VENV)/dev.stamp ## the performance table with ratios
	@$(BIN)/python -m bench $(ARGS)

faults: $(VENV)/dev.stamp ## the long fault runs
	@$(BIN)/python -m pytest -m fault tests/faults --faults=long $(ARGS)

fuzz: $(VENV)/dev.stamp ## the API along its OpenAPI document, and the pages, attacked for longer
	@PRIVATA_FUZZ_EXAMPLES=50 $(BIN)/python -m pytest --timeout 3600 tests/contracts/test_schemathesis.py \
	  tests/contracts/test_hostile_pages.py tests/contracts/test_hostile_calls.py $(ARGS)

pictures: $(VENV)/dev.stamp ## every page that tests look at, as pictures in .privata/pictures
	@$(BIN)/python scripts/fetch_browser.py
	@PRIVATA_PICTURES="$(CURDIR)/.privata/pictures" $(BIN)/python -m pytest -m browser \
	  $(or $(ARGS),tests/browser --numprocesses auto --dist loadfile --no-loadscope-reorder)
	@echo "The pictures are in .privata/pictures."

format: $(VENV)/dev.stamp
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Privata needs Python 3.11 or later; this is %s" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements/run.txt requirements/build.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing what Privata needs into $(VENV) ..."
	@$(PIP) -r requirements/build.txt -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --no-index --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@$(PIP) -r requirements/dev.txt
	@touch $@
