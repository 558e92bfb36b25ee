# All commands of this project. They need Python 3.11 to 3.13 (with venv), make and git; the rest they set up themselves.
# `make demo ARGS="--rows 1000"` hands arguments on to the command behind a target.

UV_VERSION := 0.13.9

# Each is tried by running it: a version manager can leave a `python3.12` on the path that only says it is not installed.
PYTHON ?= $(or $(shell for python in python3.11 python3.12 python3.13 python3 python; do \
	$$python -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit(1); print(sys.executable)' 2>/dev/null \
	&& break; done),$(error No Python 3.11 to 3.13 found. Install one, or name it: make PYTHON=/path/to/python3.11))

# The uv on the path, else one of our own.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .uv/bin/uv)
export UV_PROJECT_ENVIRONMENT := .venv
export UV_PYTHON_DOWNLOADS := never
# Behind a company proxy with a certificate of its own, trust what the system trusts, as pip and git do.
export UV_SYSTEM_CERTS ?= true

# Where an environment forbids bytecode, as images of containers do, every process compiles a thousand modules anew: 3 s each.
unexport PYTHONDONTWRITEBYTECODE

# What a cluster needs beside our own package: all versions with their hashes, for every Python and processor.
CLUSTER_LOCK := adapters/shipment-etl-emr/src/shipment_etl_emr/cluster-requirements.txt
CLUSTER_REQUIREMENTS = $(UV) export --locked --quiet --package shipment-etl --extra s3 --no-dev --no-emit-workspace \
	--prune pyspark --prune pysail --no-header --no-annotate --python "$(PYTHON)"

# What users install: the package alone, and with all extras and adapters.
INSTALL_core := --package shipment-etl
INSTALL_full := --all-packages --all-extras
INSTALL = $(INSTALL_$*)

.PHONY: help setup demo test rehearse fast slow check lint types imports format docs wheel sbom audit rehearse-compose parity bench trust lives fuzz lock clean

help: ## List these commands.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: .venv/.stamp ## Make .venv with the locked dependencies; every command below does so by itself.

demo: .venv/.demo ## Run the whole pipeline on generated shipments; installs only what users do.
	@.venv/bin/shipment-etl demo $(ARGS)

# One more at a time than there are processors, because a third of the time tests wait for processes and clocks.
WORKERS := $(shell $(PYTHON) -c 'import os; print(os.cpu_count() + 1)')
PYTEST := .venv/bin/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test: .venv/.stamp ## Run the tests, but for rehearsals.
	$(PYTEST) -m "not rehearsal" $(ARGS)
	@echo "Not run here: rehearsals, of whole pages, clusters and orchestrators. Run them with: make rehearse"

rehearse: .venv/.stamp ## Run the rehearsals: pages as they stand, Java Spark, orchestrators, hours of small days.
	$(PYTEST) -m rehearsal $(ARGS)

fast: .venv/.stamp ## Run the tests that take a moment.
	$(PYTEST) -m "not slow and not rehearsal" $(ARGS)

slow: .venv/.stamp ## Measure which tests `make fast` leaves out.
	$(PYTEST) -m "not rehearsal" --junitxml build/tests.xml
	.venv/bin/python -m tests.slow build/tests.xml

check: lint types imports docs sbom test rehearse ## Run everything that must pass before a commit.

lint: .venv/.stamp ## Look for likely mistakes, security mistakes and untidy format.
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/bandit --quiet --configfile pyproject.toml --recursive adapters docs examples images spark src
	@$(CLUSTER_REQUIREMENTS) | diff - $(CLUSTER_LOCK) || { echo "$(CLUSTER_LOCK) is not what uv.lock says. Run: make lock"; exit 1; }

types: .venv/.stamp ## Check the types.
	.venv/bin/mypy

imports: .venv/.stamp ## Check that packages import only what they may.
	.venv/bin/lint-imports --no-logo

format: .venv/.stamp ## Fix what can be fixed automatically.
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

docs: .venv/.stamp ## Build the site in build/site; a warning or a broken link is an error.
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build $(ARGS)
	@echo "Open build/site/index.html"

sbom: build/sbom/core build/sbom/full ## Write what users install, with licences, to build/sbom; one that is not allowed is an error.
	@echo "Wrote build/sbom: a bill of materials (CycloneDX) and a list of licences, of core and full"

wheel: | $(filter .uv/%,$(UV)) ## Build the wheel of the package in dist.
	@$(UV) build --quiet --wheel --out-dir dist --python "$(PYTHON)"
	@ls dist/shipment_etl-*.whl

audit: .venv/.stamp ## Look for known vulnerabilities in all that is locked; asks osv.dev, so it needs a network.
	@mkdir -p build/audit && rm -f build/audit/vulnerable.md
	@$(UV) export --frozen --quiet --all-packages --all-extras --all-groups --no-emit-workspace --no-annotate \
		--python "$(PYTHON)" --output-file build/audit/locked.txt
	@.venv/bin/pip-audit --vulnerability-service osv --strict --disable-pip --require-hashes --progress-spinner off \
		--requirement build/audit/locked.txt --format markdown --output build/audit/vulnerable.md $(ARGS) 2>build/audit/log \
		&& echo "No known vulnerability in what uv.lock installs here." \
		|| { cat build/audit/vulnerable.md 2>/dev/null || { tail -1 build/audit/log; echo; \
		echo "NOT AUDITED: no usable answer from the advisory service. Nothing is known about these packages. Log: build/audit/log"; }; \
		exit 1; }

rehearse-compose: .venv/.stamp ## Build the images and run all of docker-compose.yml, pipelines included; needs a Docker engine.
	REHEARSE_COMPOSE=1 .venv/bin/python -m pytest tests/deployment/test_rehearsal.py -v -x $(ARGS)

parity: .venv/.stamp ## Hold Sail and classic Spark against each other; needs a Java 17.
	.venv/bin/python tests/engines/parity.py $(ARGS)

bench: .venv/.stamp ## Measure speed and memory.
	$(UV) sync --locked --inexact --group bench --python "$(PYTHON)"
	.venv/bin/python benchmarks/run.py $(ARGS)

trust: .venv/.stamp ## Kill, stop, race and starve jobs for hours, and print what was lost.
	.venv/bin/python -m tests.trust $(ARGS)

lives: .venv/.stamp ## Land and process reports on shipments in any order, and hold the lake against a model.
	.venv/bin/python -m tests.lives.schedules $(ARGS)

fuzz: .venv/.stamp ## Land files drawn from a seed, sound and damaged, and print what was lost.
	.venv/bin/python -m tests.field.fuzz $(ARGS)

lock: $(filter .uv/%,$(UV)) ## Lock what pyproject.toml asks for, and from it what a cluster gets.
	$(UV) lock --python "$(PYTHON)"
	$(CLUSTER_REQUIREMENTS) > $(CLUSTER_LOCK)

clean: ## Remove .venv, caches and builds; the next command makes them anew.
	rm -rf .venv .uv .nox .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.stamp: pyproject.toml uv.lock $(wildcard adapters/*/pyproject.toml) | $(filter .uv/%,$(UV))
	$(UV) sync --locked --all-extras --python "$(PYTHON)"
	@touch $@

# The package and its report alone; nothing where the environment of the development is there, for it holds both.
.venv/.demo: pyproject.toml uv.lock | $(filter .uv/%,$(UV))
	@test -e .venv/.stamp || { echo "Installing shipment-etl in .venv"; \
		$(UV) sync --quiet --locked --no-dev --package shipment-etl --extra report --python "$(PYTHON)"; }
	@touch $@

# Made without the development environment's packages: an environment holds exactly what is listed.
.PHONY: build/sbom/core build/sbom/full
build/sbom/core build/sbom/full: build/sbom/%: .venv/.stamp
	UV_PROJECT_ENVIRONMENT=$@/environment $(UV) sync --quiet --locked --no-dev --no-editable $(INSTALL) --python "$(PYTHON)"
	.venv/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type library --output-reproducible \
		--output-file $@/sbom.cdx.json $@/environment
	cd $@ && ../../../.venv/bin/pip-licenses --python environment/bin/python --format markdown --with-urls --with-system \
		--output-file licences.md >/dev/null
	@# Here pip-licenses reads the policy in pyproject.toml.
	.venv/bin/pip-licenses --python $@/environment/bin/python --with-system >/dev/null

.uv/bin/uv:
	"$(PYTHON)" -m venv .uv
	.uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
