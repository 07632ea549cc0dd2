# `make help` lists what there is. Everything runs in a virtual environment that `make` makes by itself; to use
# another place, `make VENV=/elsewhere test`; another interpreter, `make PYTHON=python3.12 setup`.

VENV ?= .venv
PYTHON ?=
EXTRAS ?= policy,cloud,dev
JOBS ?= auto
PYTEST_FLAGS ?=
SCENARIO ?= configs/scenarios/kitchen_breakfast.yaml
SAMPLES ?= samples/kitchen_breakfast
MINIO ?= v0.0.0-20260212201848-7aac2a2c5b7c

BIN := $(VENV)/bin
# The stamp is younger than what it was made from, or the environment is brought up to date.
STAMP := $(VENV)/.townlet-installed

.DEFAULT_GOAL := help
.PHONY: help setup test campaign check format bench golden capture docs clean minio flink-jar flink-up flink-test flink-down

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make the virtual environment and install the project into it

$(STAMP): setup.py pyproject.toml scripts/make_venv.sh
	@bash scripts/make_venv.sh "$(VENV)" "$(PYTHON)"
	$(BIN)/python -m pip install --quiet --editable '.[$(EXTRAS)]'
	@touch $@

test: $(STAMP) ## run the tests
	$(BIN)/python -m pytest -n $(JOBS) $(PYTEST_FLAGS)

campaign: $(STAMP) ## run the long tests
	$(BIN)/python -m pytest -m campaign $(PYTEST_FLAGS)

check: $(STAMP) ## lint, check the format and the types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(STAMP) ## bring the code into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## measure, beside what NumPy alone manages
	$(BIN)/python -m bench

golden: $(STAMP) ## play the golden runs again, store them, and print what moved
	$(BIN)/python -m tests.golden

capture: $(STAMP) ## capture a shipped scenario, and show what was written
	$(BIN)/python scripts/capture_rollout.py $(SCENARIO) --ticks 200 --output $(SAMPLES)
	$(BIN)/townlet inspect $(SAMPLES)

minio: .tools/bin/minio ## build the object store that tests run against (Go)

.tools/bin/minio:
	GOBIN="$(CURDIR)/.tools/bin" go install github.com/minio/minio@$(MINIO)

flink-jar: $(STAMP) ## build the one jar with all of Flink in it (Java 17 and Maven)
	$(BIN)/python deploy/flink/cluster.py build

flink-up: flink-jar ## start a Flink on this machine: a JobManager and two TaskManagers
	$(BIN)/python deploy/flink/cluster.py up

flink-test: flink-jar ## capture on a Flink of the test's own, and kill a TaskManager of it
	$(BIN)/python -m pytest -m campaign -v -rs -s $(PYTEST_FLAGS) tests/distributed

flink-down: $(STAMP) ## stop what flink-up has started
	$(BIN)/python deploy/flink/cluster.py down

docs: $(STAMP) ## write the pages that are generated
	$(BIN)/python -m townlet.config.docs
	$(BIN)/python -m townlet.observation.docs

clean: ## remove what was built and cached (never the samples)
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .hypothesis .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
