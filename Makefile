# Everything that people and CI do here. `make` alone lists it.
# Programs replace the shell (exec), so that a signal to make reaches them and it ends when they have ended.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

NEW_ENOUGH := -c "import sys; sys.exit(sys.version_info < (3, 11))"
# Two makes at once must not install into one environment at once. Not every system has flock.
LOCK = exec 9< Makefile; if command -v flock >/dev/null; then \
	flock -n 9 || { echo "Waiting for another make, which is installing"; flock 9; }; fi;

.DEFAULT_GOAL := help
.PHONY: help run demo token seed verify test test-unit test-faults fuzz check requirements clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: $(VENV)/installed-local.txt ## Start the whole system: DATA_DIR=.local API_PORT=8000 FLOWER_PORT=5555
	@exec $(BIN)/python -m local.run --stop-with-parent

demo: $(VENV)/installed-local.txt ## On the running system: 100 buyers for the last unit, then a rush
	@exec $(BIN)/python -m local.demo

token: $(VENV)/installed-local.txt ## A token for the running system: SUB=alice SCOPE="orders:read orders:write"
	@exec $(BIN)/python -m local.token

seed: $(VENV)/installed-local.txt ## Import products into the running system: FILE=products.csv (or .ndjson)
	@exec $(BIN)/python -m local.seed_file

verify: $(VENV)/installed-local.txt ## Check all stock against its ledger; exit status 1 when it drifts
	@exec $(BIN)/python -m local.verify

test: $(VENV)/installed-dev.txt ## All tests, on real servers that they start themselves
	@exec $(BIN)/python -m pytest

test-unit: $(VENV)/installed-dev.txt ## The quick tests
	@exec $(BIN)/python -m pytest tests/unit

test-faults: $(VENV)/installed-dev.txt ## Everything killed at random moments under load, and judged: FAULT_SECONDS=60 FAULT_SEED= FAULT_TABLE=file.md
	@exec $(BIN)/python -m tests.faults.chaos

fuzz: $(VENV)/installed-dev.txt ## Requests made up against the OpenAPI document, on a system of its own: EXAMPLES=100 SEED=
	@exec $(BIN)/python -m tests.contract

check: $(VENV)/installed-dev.txt ## Lint, format, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# dev holds all the others: compiled first, it makes them agree on every version. UPGRADE=1 takes newer ones.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	$(if $(UPGRADE),--upgrade)
requirements: $(VENV)/installed-dev.txt ## Compile requirements/*.in to pinned *.txt; UPGRADE=1 for newer versions
	$(COMPILE) requirements/dev.in -o requirements/dev.txt
	$(COMPILE) requirements/local.in -c requirements/dev.txt -o requirements/local.txt
	$(COMPILE) requirements/shared.in -c requirements/dev.txt -o requirements/shared.txt
	$(COMPILE) requirements/api.in -c requirements/dev.txt -o requirements/api.txt
	$(COMPILE) requirements/worker.in -c requirements/dev.txt -o requirements/worker.txt

clean: ## Remove the environment, the caches, and the data of `make run` in .local
	rm -rf $(VENV) .local .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is a copy of what was installed, so a mere change of date installs nothing again.
# pip takes the place of the shell: it is what a signal to make must reach.
$(VENV)/installed-%.txt: requirements/%.txt
	@$(LOCK) cmp -s $< $@ && exit; \
	    $(PYTHON) $(NEW_ENOUGH) 2>/dev/null || \
	        { echo "make: $(PYTHON) is not Python 3.11 or later; name one: make PYTHON=python3.11 ..." >&2; exit 1; }; \
	    $(BIN)/python -m pip --version >/dev/null 2>&1 && $(BIN)/python $(NEW_ENOUGH) || \
	        { echo "Making $(VENV)"; $(PYTHON) -m venv --clear $(VENV); } || \
	        { echo "make: $(PYTHON) can't make $(VENV); on Debian: apt install python3-venv" >&2; exit 1; }; \
	    echo "Installing $< into $(VENV)"; \
	    exec $(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r $<
	@cp $< $@
