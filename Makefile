# All commands of this project. They need Python 3.11 to 3.13 (with venv), make and git; they install everything else themselves.
# `make demo ARGS="--rows 1000"` passes arguments to the command of a target.

UV_VERSION := 0.13.9

# Each candidate is run: a version manager can leave a `python3.12` on the path that only prints that it is not installed.
PYTHON ?= $(or $(shell for python in python3.11 python3.12 python3.13 python3 python; do \
	$$python -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit(1); print(sys.executable)' 2>/dev/null \
	&& break; done),$(error No Python 3.11 to 3.13 found. Install one, or set it: make PYTHON=/path/to/python3.11))

# The uv on the path, else our own.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .uv/bin/uv)
export UV_PROJECT_ENVIRONMENT := .venv
export UV_PYTHON_DOWNLOADS := never
# Behind a company proxy with its own certificate, trust the system's certificates, as pip and git do.
export UV_SYSTEM_CERTS ?= true

# If the environment disables bytecode, as container images do, every process compiles a thousand modules again, in 3 s.
unexport PYTHONDONTWRITEBYTECODE

# What a cluster needs in addition to our package: all versions with hashes, for every Python and processor.
CLUSTER_LOCK := adapters/shipment-etl-emr/src/shipment_etl_emr/cluster-requirements.txt
CLUSTER_REQUIREMENTS = $(UV) export --locked --quiet --package shipment-etl --extra s3 --no-dev --no-emit-workspace \
	--prune pyspark --prune pysail --no-header --no-annotate --python "$(PYTHON)"

# What users install: only the package, or all extras and adapters too.
INSTALL_core := --package shipment-etl
INSTALL_full := --all-packages --all-extras
INSTALL = $(INSTALL_$*)

.PHONY: help setup demo test rehearse fast slow check lint types imports format docs wheel sbom audit rehearse-compose parity bench trust lives fuzz lock clean

help: ## List these commands.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: .venv/.stamp ## Create .venv with the locked dependencies; all commands below do this automatically.

demo: .venv/.demo ## Run the whole pipeline on generated shipments; installs no development tools.
	@.venv/bin/shipment-etl demo $(ARGS)

# One worker more than processors, because tests spend a third of the time waiting for processes and clocks.
WORKERS := $(shell $(PYTHON) -c 'import os; print(os.cpu_count() + 1)')
PYTEST := .venv/bin/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test: .venv/.stamp ## Run all tests except rehearsals.
	$(PYTEST) -m "not rehearsal" $(ARGS)
	@echo "Not run: rehearsals of whole pages, clusters and orchestrators. Run them with: make rehearse"

rehearse: .venv/.stamp ## Run the rehearsals: documentation pages, Java Spark, orchestrators, long series of small days.
	$(PYTEST) -m rehearsal $(ARGS)

fast: .venv/.stamp ## Run only the fast tests.
	$(PYTEST) -m "not slow and not rehearsal" $(ARGS)

slow: .venv/.stamp ## Measure which tests are slow; `make fast` skips these.
	$(PYTEST) -p tests.slow -m "not rehearsal" --junitxml build/tests.xml
	.venv/bin/python -m tests.slow build/tests.xml

check: lint types imports docs sbom test rehearse ## Run everything that must pass before a commit.

lint: .venv/.stamp ## Check for likely bugs, security problems and formatting.
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/bandit --quiet --configfile pyproject.toml --recursive adapters docs examples images spark src
	@$(CLUSTER_REQUIREMENTS) | diff - $(CLUSTER_LOCK) || { echo "$(CLUSTER_LOCK) does not match uv.lock. Run: make lock"; exit 1; }

types: .venv/.stamp ## Check the types.
	.venv/bin/mypy

imports: .venv/.stamp ## Check the import rules between packages.
	.venv/bin/lint-imports --no-logo

format: .venv/.stamp ## Fix lint and format problems automatically.
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

docs: .venv/.stamp ## Build the site in build/site; a warning or a broken link is an error.
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build $(ARGS)
	@echo "Open build/site/index.html"

sbom: build/sbom/core build/sbom/full ## Write a bill of materials and licences to build/sbom; a licence that is not allowed is an error.
	@echo "Wrote build/sbom: a bill of materials (CycloneDX) and a list of licences, of core and full"

wheel: | $(filter .uv/%,$(UV)) ## Build the wheel of the package in dist/.
	@$(UV) build --quiet --wheel --out-dir dist --python "$(PYTHON)"
	@ls dist/shipment_etl-*.whl

audit: .venv/.stamp ## Check all locked packages for known vulnerabilities; queries osv.dev, so it needs a network.
	@mkdir -p build/audit && rm -f build/audit/vulnerable.md
	@$(UV) export --frozen --quiet --all-packages --all-extras --all-groups --no-emit-workspace --no-annotate \
		--python "$(PYTHON)" --output-file build/audit/locked.txt
	@.venv/bin/pip-audit --vulnerability-service osv --strict --disable-pip --require-hashes --progress-spinner off \
		--requirement build/audit/locked.txt --format markdown --output build/audit/vulnerable.md $(ARGS) 2>build/audit/log \
		&& echo "No known vulnerability in what uv.lock installs here." \
		|| { cat build/audit/vulnerable.md 2>/dev/null || { tail -1 build/audit/log; echo; \
		echo "NOT AUDITED: no usable answer from the advisory service, so nothing is known about these packages. Log: build/audit/log"; }; \
		exit 1; }

rehearse-compose: .venv/.stamp ## Build the images and run all of docker-compose.yml, pipelines included; needs a Docker engine.
	REHEARSE_COMPOSE=1 .venv/bin/python -m pytest tests/deployment/test_rehearsal.py -v -x $(ARGS)

parity: .venv/.stamp ## Check that Sail and classic Spark give the same results; needs Java 17.
	.venv/bin/python tests/engines/parity.py $(ARGS)

bench: .venv/.stamp ## Measure speed and memory.
	$(UV) sync --locked --inexact --group bench --python "$(PYTHON)"
	.venv/bin/python benchmarks/run.py $(ARGS)

trust: .venv/.stamp ## Kill, stop, race and starve jobs for hours, and print any lost rows.
	.venv/bin/python -m tests.trust $(ARGS)

lives: .venv/.stamp ## Land and process reports on shipments in any order, and compare the lake with a model.
	.venv/bin/python -m tests.lives.schedules $(ARGS)

fuzz: .venv/.stamp ## Land random files, valid and damaged, from a seed, and print any lost rows.
	.venv/bin/python -m tests.field.fuzz $(ARGS)

lock: $(filter .uv/%,$(UV)) ## Update uv.lock from pyproject.toml, and the requirements of clusters from uv.lock.
	$(UV) lock --python "$(PYTHON)"
	$(CLUSTER_REQUIREMENTS) > $(CLUSTER_LOCK)

clean: ## Remove .venv, caches and builds; the next command creates them again.
	rm -rf .venv .uv .nox .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.stamp: pyproject.toml uv.lock $(wildcard adapters/*/pyproject.toml) | $(filter .uv/%,$(UV))
	$(UV) sync --locked --all-extras --python "$(PYTHON)"
	@touch $@

# Only the package and its report; does nothing if the development environment exists, which contains both.
.venv/.demo: pyproject.toml uv.lock | $(filter .uv/%,$(UV))
	@test -e .venv/.stamp || { echo "Installing shipment-etl in .venv"; \
		$(UV) sync --quiet --locked --no-dev --package shipment-etl --extra report --python "$(PYTHON)"; }
	@touch $@

# Built without the development environment's packages: an environment contains exactly what is listed.
.PHONY: build/sbom/core build/sbom/full
build/sbom/core build/sbom/full: build/sbom/%: .venv/.stamp
	UV_PROJECT_ENVIRONMENT=$@/environment $(UV) sync --quiet --locked --no-dev --no-editable $(INSTALL) --python "$(PYTHON)"
	.venv/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type library --output-reproducible \
		--output-file $@/sbom.cdx.json $@/environment
	cd $@ && ../../../.venv/bin/pip-licenses --python environment/bin/python --format markdown --with-urls --with-system \
		--output-file licences.md >/dev/null
	@# Run here, pip-licenses reads the policy in pyproject.toml.
	.venv/bin/pip-licenses --python $@/environment/bin/python --with-system >/dev/null

.uv/bin/uv:
	"$(PYTHON)" -m venv .uv
	.uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
