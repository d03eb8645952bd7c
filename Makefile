# `make help` lists the targets.
#
# Everything is installed into the active virtual environment or, where none is active, into .venv,
# which is made on first use. A stamp in the environment stands for each installed extra.

ENV    := $(or $(VIRTUAL_ENV),.venv)
PYTHON := $(ENV)/bin/python
STAMPS := $(ENV)/.chainrule
BUILD  := build

# Words added to the command of a target: make test ARGS="-k sigmoid"
ARGS ?=
WORKERS ?= 2

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test peers fuzz check page lecture docs bench clean FORCE

help: ## Print this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

demo: $(STAMPS)/demo ## Show the lecture's function staged and explained; train on digits
	$(ENV)/bin/chainrule explain examples/lecture.py:staged --at x=3 --at y=-4
	$(PYTHON) examples/digits.py

test: $(STAMPS)/test ## Run the tests (ARGS="-k sigmoid" runs some)
	$(PYTHON) -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

peers: $(STAMPS)/test $(STAMPS)/peers ## Compare with PyTorch and JAX, which are installed for it
	$(PYTHON) -m pytest -n $(WORKERS) --dist worksteal tests/peers $(ARGS)

fuzz: $(STAMPS)/test ## Run random programs, 10,000 (ARGS="--count 500 --seed 7" runs others)
	$(PYTHON) -m tests.fuzz $(ARGS)

check: $(STAMPS)/test $(STAMPS)/check ## Style, types, imports, documentation and its examples
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(ENV)/bin/lint-imports
	$(PYTHON) -m pytest --doctest-modules src/chainrule
	$(PYTHON) -m pytest README.md docs
	$(PYTHON) -m sphinx -W --keep-going -q -b html docs $(BUILD)/docs

page: frontend/node_modules ## Check the page's front end, and rebuild it (PAGE_OUT=folder elsewhere)
	cd frontend && npm run --silent check && node build.mjs $(PAGE_OUT)

lecture: $(STAMPS)/test ## Build the lecture as live pages into build/lecture
	$(PYTHON) docs/make_lecture.py $(BUILD)/lecture

docs: $(STAMPS)/docs ## Build the documentation into build/docs
	$(PYTHON) -m sphinx -W --keep-going -b html docs $(BUILD)/docs

bench: $(STAMPS)/bench ## Compare speed with JAX, PyTorch, Numba ... (ARGS="softmax chain" runs some)
	$(PYTHON) benchmarks/run.py $(ARGS)

clean: ## Remove what was built, .venv included
	rm -rf .venv $(BUILD) dist frontend/node_modules .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

frontend/node_modules: frontend/package-lock.json
	cd frontend && npm ci --no-fund --no-audit --silent
	@touch $@

# --- the environment -------------------------------------------------------------------------

$(STAMPS)/%: pyproject.toml $(STAMPS)/checkout
	$(PYTHON) -m pip install --quiet --editable '.[$*]'
	@touch $@

# The checkout that the environment was filled from: installed again when it is another one.
$(STAMPS)/checkout: FORCE | $(PYTHON)
	@mkdir -p $(STAMPS)
	@echo '$(CURDIR)' | cmp -s - $@ || { $(PYTHON) -m pip --version >/dev/null 2>&1 \
	    || $(PYTHON) -m ensurepip --upgrade; echo '$(CURDIR)' > $@; }

FORCE:

.venv/bin/python:
	@for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "$$python -m venv .venv"; exec $$python -m venv .venv; \
	    fi; \
	done; \
	echo 'chainrule needs Python 3.11 or newer, and none was found on the path.' >&2; exit 1
