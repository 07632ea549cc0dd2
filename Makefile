# `make help` lists what there is. Everything runs in a virtual environment that `make` makes by itself; to use
# another place, `make VENV=/elsewhere test`; another interpreter, `make PYTHON=python3.12 setup`.

VENV ?= .venv
PYTHON ?=
JOBS ?= auto
MUTATIONS ?=
PYTEST_FLAGS ?=
SCENARIO ?= configs/scenarios/kitchen_breakfast.yaml
SAMPLES ?= samples/kitchen_breakfast
MINIO ?= v0.0.0-20260212201848-7aac2a2c5b7c

BIN := $(VENV)/bin
# A stamp is younger than what it was made from, or its environment is brought up to date.
STAMP := $(VENV)/.townlet-installed
NEWEST := $(VENV)-newest
TRAIN := $(VENV)-train
PAGE := $(VENV)-page
LOCKER := $(VENV)-lock
PAGE_SOURCES := townlet/report/page
PAGE_TESTS := tests/report/page
# Exact versions whose hashes stand in a lock, as wheels: nothing is built here but the project itself, and gym, which
# d3rlpy wants and which has no wheel, with the setuptools of the lock.
PIP_LOCKED := -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all:
PIP_PROJECT := -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .

.DEFAULT_GOAL := help
.PHONY: help setup setup-train setup-page lock test test-newest test-train test-page lint-page campaign campaign-train check format bench golden capture docs site clean minio flink-jar flink-up flink-test flink-down

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make the virtual environment and install the project into it

$(STAMP): setup.py pyproject.toml scripts/make_venv.sh requirements/main.txt
	@bash scripts/make_venv.sh "$(VENV)" "$(PYTHON)"
	$(BIN)/python $(PIP_LOCKED) -r requirements/main.txt
	$(BIN)/python $(PIP_PROJECT)
	@touch $@

lock: ## renew requirements/: the newest versions that setup.py admits, with hashes
	@bash scripts/make_venv.sh "$(LOCKER)" "$(PYTHON)"
	$(LOCKER)/bin/python $(PIP_LOCKED) -r requirements/uv.txt
	$(LOCKER)/bin/python scripts/lock_requirements.py

test: $(STAMP) ## run the tests
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(PYTEST_FLAGS)

test-newest: ## run the tests with the newest versions that setup.py admits, whatever is locked
	@bash scripts/make_venv.sh "$(NEWEST)" "$(PYTHON)"
	$(NEWEST)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --upgrade-strategy eager setuptools --editable '.[cloud,dev]'
	@$(NEWEST)/bin/python -m pip freeze --all --exclude pip --exclude-editable | awk -f scripts/newer_than.awk requirements/main.txt -
	$(NEWEST)/bin/python -m pytest -n $(JOBS) --dist worksteal $(PYTEST_FLAGS)

setup-train: $(TRAIN)/.townlet-installed ## make the environment of test-train

test-train: setup-train ## run the tests that need torch, onnx, pettingzoo or stable-baselines3 (some 4 GB on Linux), in an environment of their own
	$(TRAIN)/bin/python -m pytest -m 'torch and not campaign' $(PYTEST_FLAGS)

campaign-train: setup-train ## run the long tests of learning: trainings that have to reach what is said of them (an hour)
	$(TRAIN)/bin/python -m pytest -m 'torch and campaign' -rfEs $(PYTEST_FLAGS)

$(TRAIN)/.townlet-installed: setup.py pyproject.toml scripts/make_venv.sh requirements/main.txt requirements/train.txt requirements/d3rlpy.txt
	@bash scripts/make_venv.sh "$(TRAIN)" "$(PYTHON)"
	$(TRAIN)/bin/python $(PIP_LOCKED) -r requirements/main.txt -r requirements/train.txt
	$(TRAIN)/bin/python $(PIP_LOCKED) --no-binary gym --no-deps --no-build-isolation -r requirements/d3rlpy.txt
	$(TRAIN)/bin/python $(PIP_PROJECT)
	@touch $@

setup-page: $(PAGE)/.townlet-installed $(PAGE_TESTS)/node_modules/.package-lock.json ## make the environment of test-page

test-page: setup-page ## run the tests of pages and pictures (they need Chromium and node), in an environment of their own
	@$(MAKE) --no-print-directory lint-page
	node --test $$(find $(PAGE_TESTS) -name '*.test.mjs' -not -path '*/node_modules/*')
	$(PAGE)/bin/python -m pytest -m 'page and not campaign' $(PYTEST_FLAGS)

lint-page: ## lint the page's JavaScript and check its format (after `make test-page`, which installs what that needs)
	$(PAGE_TESTS)/node_modules/.bin/eslint --config $(PAGE_TESTS)/eslint.config.js $(PAGE_SOURCES) $(PAGE_TESTS)
	$(PAGE_TESTS)/node_modules/.bin/prettier --config $(PAGE_TESTS)/.prettierrc.json --check $(PAGE_SOURCES) $(PAGE_TESTS)

$(PAGE_TESTS)/node_modules/.package-lock.json: $(PAGE_TESTS)/package-lock.json
	npm ci --prefix $(PAGE_TESTS) --no-audit --no-fund --loglevel error
	@touch $@

$(PAGE)/.townlet-installed: setup.py pyproject.toml scripts/make_venv.sh requirements/main.txt requirements/page.txt
	@bash scripts/make_venv.sh "$(PAGE)" "$(PYTHON)"
	$(PAGE)/bin/python $(PIP_LOCKED) -r requirements/main.txt -r requirements/page.txt
	$(PAGE)/bin/python $(PIP_PROJECT)
	@touch $@

campaign: $(STAMP) ## run the long tests (MUTATIONS=all: with every changed file and config, which takes an hour)
	$(BIN)/python -m pytest -m campaign -n $(JOBS) --dist loadfile -rfEs $(if $(MUTATIONS),--mutations $(MUTATIONS)) $(PYTEST_FLAGS)

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
	$(BIN)/python -m pytest -m campaign -v -rfEs -s $(PYTEST_FLAGS) tests/distributed

flink-down: $(STAMP) ## stop what flink-up has started
	$(BIN)/python deploy/flink/cluster.py down

docs: $(STAMP) ## write the pages that are generated
	$(BIN)/python -m townlet.config.docs
	$(BIN)/python -m townlet.observation.docs
	$(BIN)/python -m scripts.reference

site: setup-page ## build the site of docs/ into site/ (its first page: site/index.html)
	$(PAGE)/bin/python -m mkdocs build --strict --quiet

clean: ## remove what was built and cached (never the samples)
	rm -rf $(VENV) $(NEWEST) $(TRAIN) $(PAGE) $(LOCKER) build dist site *.egg-info .pytest_cache .hypothesis .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
