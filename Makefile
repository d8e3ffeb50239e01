# run     the main job, end to end, on this machine: no AWS account, no Docker
# test    all tests          check   style, types, layers
# bench   measurements       clean   removes whatever the targets above made
# clients unmodified AWS clients, each in an environment of its own, against the embedded AWS; writes docs/clients.md
# soak    the long tests whole, of which `make test` tries samples: kills and signals at every moment, attacks
# fuzz    30,000 requests of all kinds, right and wrong, to the embedded AWS
#
# Variables: PYTHON (3.11 or 3.12), VENV (.venv), JOBS (test processes).

VENV ?= .venv
JOBS ?= 2
BIN := $(VENV)/bin

# The first interpreter that really runs, has the right version and can make environments.
RUNS := import ensurepip, sys, venv; print("yes" if (3, 11) <= sys.version_info < (3, 13) else "")
PYTHON ?= $(firstword $(foreach python,python3.12 python3.11 python3,$(if $(shell $(python) -c '$(RUNS)' 2>/dev/null),$(python))))

RUN_READY := $(VENV)/ready-run
ALL_READY := $(VENV)/ready-all
CLIENTS := $(patsubst tests/clients/requirements/%.txt,$(VENV)/clients/%/ready,$(wildcard tests/clients/requirements/*.txt))
TESTED_CLIENTS := $(foreach client,awscli boto3-oldest boto3-newest sagemaker2,$(VENV)/clients/$(client)/ready)

.DEFAULT_GOAL := run
.DELETE_ON_ERROR:
.PHONY: run test clients soak check bench clean

run: $(RUN_READY)
	@tools/run.sh $(BIN)

test: $(ALL_READY) $(TESTED_CLIENTS)
	$(BIN)/pytest -n $(JOBS)

clients: $(ALL_READY) $(CLIENTS)
	SMFS_CLIENTS_TABLE=docs/clients.md $(BIN)/pytest -n $(JOBS) tests/clients

soak: $(ALL_READY)
	SMFS_SOAK=1 $(BIN)/pytest -n $(JOBS) tests/matrix tests/cluster tests/emulator/attack

# Requests drawn from the models and malformed ones, to the emulator's own services: 20,000 and 10,000.
fuzz: $(ALL_READY)
	SMFS_SOAK=1 $(BIN)/pytest -n $(JOBS) tests/emulator/attack/test_model_driven.py tests/emulator/attack/test_malformed.py

check: $(ALL_READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pylint flytekitplugins_smfs/emulator/services
	@echo "Any stands in $$(grep -rw Any flytekitplugins_smfs --include='*.py' | grep -v /emulator/ | grep -vc import) lines," \
	  "imports and the emulator aside; 0.1.0 had 144"

bench: $(ALL_READY)
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:
	@if [ -d .smfs/emulator ] && [ -x $(BIN)/smfs ]; then $(BIN)/smfs emulator stop --state .smfs/emulator; fi
	rm -rf $(VENV) .smfs build dist flyte.tgz *.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Reinstalled only when what is to be installed has changed.
$(RUN_READY): setup.py constraints.txt | $(BIN)/python
	@echo "Installing packages into $(VENV): about a minute, once"
	@$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[emulator,workflows]'
	@touch $@

$(ALL_READY): setup.py constraints.txt | $(BIN)/python
	@echo "Installing packages into $(VENV): about a minute, once"
	@$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[all]'
	@touch $@ $(RUN_READY)

# Unmodified clients for the tests, each in an environment of its own: they need other packages than flytekit does.
$(VENV)/clients/%/ready: tests/clients/requirements/%.txt | $(BIN)/python
	@echo "Installing the client $* into $(@D)"
	@$(BIN)/python -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --quiet -r $<
	@touch $@

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed; give its path: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
