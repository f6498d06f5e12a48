# Only python3 (3.11 or newer) and make are assumed; everything else comes from the package registries into .venv.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
ARGS ?=

.PHONY: help
help: ## Show what each target does
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: demo
demo: $(VENV)/.embedded ## Investigate a company's tickets on this machine, keyless (ARGS="--keep --ticket 1")
	@$(BIN)/whydesk demo $(ARGS)

.PHONY: test
test: check ## Run every check and every test that needs PyPI wheels only
	$(BIN)/pytest -n auto --dist loadfile $(ARGS)

.PHONY: conformance
conformance: $(VENV)/.conformance ## Hold connectors and sandbox to what the vendors publish, and to every failure of theirs
	@$(BIN)/python -m conformance.tools
	@echo "· asking the vendors' own descriptions"
	@$(BIN)/pytest -q -p no:cacheprovider conformance $(ARGS)
	@echo "· asking every connector under every failure"
	@$(BIN)/python -m tests.conformance
	@echo "· playing whole installations: what takes too long for \`make test\`"
	@$(BIN)/pytest -q -n auto --dist loadfile -m slow tests

.PHONY: bench
bench: $(VENV)/.dev ## Measure overhead, throughput, acknowledgement and memory (ARGS="throughput --short")
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: faults
faults: $(VENV)/.dev ## Kill, stop and starve real processes at every step of a ticket's path, and print the matrix (ARGS=outage)
	@$(BIN)/python -m tests.faults $(ARGS)

.PHONY: soak
soak: $(VENV)/.dev ## Half an hour of mixed load with random faults: memory, stuck runs, notes (ARGS="--minutes 5")
	@$(BIN)/python -m tests.faults.soak $(ARGS)

.PHONY: storm
storm: $(VENV)/.dev ## Send 500 tickets of one outage in a minute, then measure what a flood costs another tenant
	@$(BIN)/python -m tests.storm $(ARGS)
	@STORM_FLOOD=300 STORM_FACTOR=3 $(BIN)/pytest -q -p no:cacheprovider -n 0 -m slow tests/workflows/test_fairness.py

.PHONY: check
check: $(VENV)/.dev ## Format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

.PHONY: format
format: $(VENV)/.dev ## Format the code and fix what the linter can fix
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

.PHONY: histories
histories: $(VENV)/.dev ## Record one workflow history per outcome for the replay tests
	$(BIN)/python -m tests.record_histories

.PHONY: lock
lock: $(VENV)/.uv ## Resolve the requirements again, with hashes
	cd requirements && for extra in dev embedded production; do \
	  case $$extra in dev) flags="--all-extras";; embedded) flags="--extra embedded -c dev.txt";; *) flags="--extra clouds -c dev.txt";; esac; \
	  ../$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --no-emit-index-url --no-emit-find-links $$flags ../pyproject.toml -o $$extra.txt; \
	  echo "requirements/$$extra.txt"; done
	cd requirements && ../$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links -c dev.txt conformance.in -o conformance.txt
	@echo requirements/conformance.txt

.PHONY: clean
clean: ## Remove the virtual environment and local state
	rm -rf $(VENV) .conformance .whydesk .mypy_cache .ruff_cache .pytest_cache

$(VENV)/.uv:
	@$(PYTHON) -c 'import sys; sys.exit(f"whydesk needs Python 3.11 or newer, {sys.executable} is {sys.version.split()[0]}" if sys.version_info < (3, 11) else 0)'
	@echo "· creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

# The editable install needs no build: a path file and the command, so that a production worker needs no build backend.
define install
	@echo "· installing requirements/$(1).txt"
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip install --require-hashes -r requirements/$(1).txt
	@$(BIN)/python -c 'import sysconfig, pathlib; pathlib.Path(sysconfig.get_paths()["purelib"], "whydesk.pth").write_text("$(CURDIR)\n")'
	@printf '#!%s\nimport sys\nfrom cli.main import run\nsys.exit(run())\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/whydesk
	@chmod +x $(BIN)/whydesk
	@touch $@
endef

$(VENV)/.embedded: $(VENV)/.uv requirements/embedded.txt
	$(call install,embedded)

$(VENV)/.dev: $(VENV)/.uv requirements/dev.txt
	$(call install,dev)
	@touch $(VENV)/.embedded

# Beside the development requirements, so that they are the same versions that `make test` tests.
$(VENV)/.conformance: $(VENV)/.dev requirements/conformance.txt
	@echo "· installing requirements/conformance.txt"
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip install -q --require-hashes -r requirements/conformance.txt
	@touch $@
