# Everything a newcomer, a developer and CI run. Needs git, make and Python 3.11 or newer; nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra build

.DEFAULT_GOAL := help
.PHONY: help rehearse test test-clients check drill fuzz bench lock migration screenshots clean

help: ## Say what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | awk -F'|' '{printf "%-22s %s\n", $$1, $$2}'

rehearse: $(VENV)/.run ## Open the workshop in a local Slack-compatible workspace in the browser (no account needed)
	$(BIN)/workshop-bot rehearse --open $(ARGS)

test: export PYTHONDONTWRITEBYTECODE = # else each worker, and each process of the drill, compiles everything for itself
test: $(VENV)/.dev ## Pass every test that needs no browser and no node
	$(BIN)/python -m pytest -n 4 -m "not clients and not alone" $(ARGS) || [ $$? = 5 ] # none of these among ARGS
	$(BIN)/python -m pytest -m alone $(ARGS) || [ $$? = 5 ]

test-clients: $(VENV)/.dev ## Pass the tests with Chromium and with clients in other languages (both must be installed)
	$(BIN)/python -m pytest -m clients $(ARGS)

check: $(VENV)/.dev ## Lint, format, types, and the shipped configuration
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/workshop-bot check

drill: $(VENV)/.dev ## Kill the bot and break its calls, then look for what is lost: make drill ARGS="--kills 500 --faults 5000"
	$(BIN)/python -m bench drill $(ARGS)

fuzz: $(VENV)/.dev ## Try ten thousand hostile requests on the web application (a short form is in make test)
	FUZZED_REQUESTS=5000 $(BIN)/python -m pytest tests/handlers/test_fuzz.py $(ARGS)

bench: $(VENV)/.dev ## Score the answers and measure the rest; prints the tables of bench/README.md
	$(BIN)/python -m bench $(ARGS)

screenshots: $(VENV)/.dev ## Take the pictures and the recording in docs/ again, with headless Chromium
	$(BIN)/python docs/screenshots.py
	$(BIN)/python docs/recording.py

lock: $(VENV)/.dev ## Lock the dependencies anew, with hashes and no addresses
	$(COMPILE) --upgrade -o requirements.lock
	$(COMPILE) --upgrade --extra dev -o requirements-dev.lock

migration: $(VENV)/.dev ## Write the next migration from the tables: make migration NAME="what it adds"
	$(BIN)/python -m bot.store.migrate "$(NAME)"

clean: ## Remove what the other targets made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info var
	find bot handlers tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) install -q --require-hashes -r requirements.lock
	$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	$(PIP) install -q --require-hashes -r requirements-dev.lock
	@touch $@
