# QuickShop's commands. `make` alone shows them.
# Tools are run as `python -m`, never by their scripts: those break when the folder moves or its path is long.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PY := .venv/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes
# Tests wait for processes, sockets and clocks more than they compute: more of them than cores run at once.
JOBS ?= $(shell echo $$(($$(nproc) + 2)))
BROWSER ?= yes
# The tests' own order stands (tests/conftest.py): what is shared or takes long begins first.
SPREAD := -n $(JOBS) --dist loadscope --no-loadscope-reorder
CODE := quickshop blueprints realtime tasks migrations tests benchmarks scripts wsgi.py gunicorn.conf.py
CODE := $(wildcard $(CODE))

.DEFAULT_GOAL := help
.PHONY: help run setup test check lint types imports format browser bench storm flood guards clean

help: ## Show the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/.installed ## Run the whole shop here; PORT and QUICKSHOP_HOME choose where
	@exec $(PY) -m quickshop run

setup: .venv/.installed-dev ## Make the virtual environment, with the tools of development

test: ## Check the code and run every test: parallel, in random order
	@$(MAKE) --no-print-directory --jobs=2 setup browser
	@checks=$$(mktemp); trap 'rm -f "$$checks"' EXIT; \
	$(MAKE) --no-print-directory check >"$$checks" 2>&1 & checking=$$!; \
	$(PY) -m pytest $(SPREAD) $(if $(filter no,$(BROWSER)),-m "not browser"); tested=$$?; \
	wait $$checking; checked=$$?; cat "$$checks"; exit $$((tested | checked))

check: lint types imports ## Check style, types and import contracts

lint: setup
	@$(PY) -m ruff check $(CODE)
	@$(PY) -m ruff format --check --quiet $(CODE)

types: setup
	@$(PY) -m mypy

imports: setup
	@$(PY) -c 'import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())' --no-logo

format: setup ## Format the code and fix what can be fixed
	@$(PY) -m ruff check --fix $(CODE)
	@$(PY) -m ruff format $(CODE)

bench: setup ## Measure the shop under load and write the figures
	@exec $(PY) -m benchmarks

storm: setup ## Place 300 orders while processes are killed, and check every one
	@exec $(PY) -m tests.faults.storm --orders 300

flood: setup ## Flood the shop with VIP orders for a minute while standard orders trickle in
	@exec $(PY) -m tests.faults.vip_flood --seconds 60

guards: setup ## Take each protection away and see a test fail
	@exec $(PY) -m tests.guards

browser:
	@[ "$(BROWSER)" = no ] || command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
	|| command -v google-chrome >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "Installing Chromium for the browser tests" \
	     && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
	|| { echo "The browser tests need Chromium: install it with 'sudo apt-get install chromium'," \
	          "or leave them out with 'make test BROWSER=no'." >&2; exit 1; }

clean: ## Remove the virtual environment and caches; the shop's data stay
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

define VENV
@[ -n "$(PYTHON)" ] && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
|| { echo "QuickShop needs Python 3.11 or later: install it with 'sudo apt-get install python3 python3-venv'." >&2; exit 1; }
@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null \
|| { echo "Python's venv module is missing: install it with 'sudo apt-get install python3-venv' and run make again." >&2; exit 1; }
@echo "Installing the pinned requirements into .venv; this happens once"
@$(PY) -c '' 2>/dev/null || "$(PYTHON)" -m venv --clear .venv
endef

.venv/.installed: requirements.txt
	$(VENV)
	@$(PIP) -r requirements.txt
	@touch $@

# With the shop's own in one go: pip takes as long for some as for all.
.venv/.installed-dev: requirements.txt requirements-dev.txt
	$(VENV)
	@$(PIP) -r requirements.txt -r requirements-dev.txt
	@touch .venv/.installed $@
