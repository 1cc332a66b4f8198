# `make run` and `make test` are all most people need; `make` alone lists the rest.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BOOTSTRAP = $(or $(PYTHON),python3) nostrade_site/bootstrap.py
BIN = .venv/bin/python
PACKAGES = nostrade_site catalog feedback recommender ml
# A file of tests at a time to each process, the longest files first; one summary at the end.
PYTEST = python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile
# Without the addresses and local build tags of the machine that pins.
PIN = CUSTOM_COMPILE_COMMAND="make lock" $(BIN) -m piptools compile --quiet --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.PHONY: help run test test-ml lint audit test-engines test-faults test-api mutants lock screenshots clean dev ml-env browser
.DEFAULT_GOAL := help

help:  ## list what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run:  ## install what is missing, then start the site (HOST=127.0.0.1 PORT=8000)
	@$(BOOTSTRAP) .venv requirements.txt
	@exec $(BIN) manage.py run

test: lint test-ml browser  ## run everything that checks the site
	.venv/bin/$(PYTEST) catalog feedback recommender nostrade_site benchmarks e2e
	FAULT_REACTIONS=500 .venv/bin/$(PYTEST) -m faults nostrade_site

test-ml: ml-env  # without Django
	.venv-ml/bin/$(PYTEST) ml

lint: dev  ## check style, types, import contracts and templates
	$(BIN) -m ruff check .
	$(BIN) -m ruff format --check .
	$(BIN) -m mypy $(PACKAGES)
	.venv/bin/lint-imports
	$(BIN) -m djlint --lint --quiet templates $(PACKAGES)

audit: dev  ## look up known holes in what is pinned (AUDIT=--offline-ok: no error where nobody can be asked)
	$(BIN) -m nostrade_site.tests.audit $(AUDIT)

test-engines: dev  ## run the tests on a real PostgreSQL and a Redis server over TCP (TESTS=--brief: what differs there)
	$(BIN) -m nostrade_site.tests.engines $(TESTS)

test-faults: dev  ## kill processes under 5,000 reactions, and see that none is lost
	$(BIN) -m pytest -m faults -s

test-api: dev  ## send 20,000 made-up requests to the API of a running site (about 20 minutes)
	$(BIN) benchmarks/fuzz_api.py

mutants: dev ml-env  ## make small mistakes where things are decided, and see that a test fails (MODULES="ml/gate.py …")
	$(BIN) -m benchmarks.mutants $(MODULES)

lock: dev  ## pin requirements*.txt anew from pyproject.toml
	$(PIN) --output-file requirements.txt pyproject.toml
	$(PIN) --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml
	sed -i.bak 's/+cpu//' requirements.txt requirements-dev.txt && rm requirements*.bak

screenshots: dev browser  ## take the pictures in docs/ from the site that `make run` serves
	$(BIN) docs/screenshots.py http://127.0.0.1:$(or $(PORT),8000)

clean:  ## remove what was installed and cached; keeps the data in var/
	rm -rf .venv .venv-ml .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis test-results

dev:
	@$(BOOTSTRAP) .venv requirements-dev.txt

ml-env:
	@$(BOOTSTRAP) .venv-ml ml/requirements.txt

# Browser tests drive the system's Chromium. Without one they are skipped, except on CI, where that fails.
browser:
	@for name in chromium chromium-browser google-chrome; do command -v $$name && exit; done >/dev/null; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
	then apt-get -qq update && apt-get -qqy install --no-install-recommends chromium fonts-noto-cjk; \
	else echo "No Chromium here (apt-get install chromium): browser tests will be skipped."; fi
