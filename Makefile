# Pilothouse. `make` lists the targets. Needs make and Python 3.11 to 3.13 with venv; everything else is installed
# into .venv from constraints.txt. Options: PYTHON=python3.12, VENV=folder, TORCH_INDEX=address of PyTorch's index of
# CPU-only wheels (see pytorch.org; without it, `make train` on Linux installs the CUDA build from the Python index).

VENV ?= .venv
PY := $(VENV)/bin/python
PIP = PIP_DISABLE_PIP_VERSION_CHECK=1 $(PY) -m pip install --quiet -c constraints.txt
COMPOSE ?= docker compose
# the label of the images
export REVISION ?= $(shell git describe --always --dirty --abbrev=40 --match '' 2>/dev/null)
# a stamp's name has the checksum of the pins, so that packages are installed again when the pins change
TREE := $(shell { cat constraints.txt pyproject.toml; pwd; } | cksum | tr ' ' '-')
RUN := $(VENV)/.run-$(TREE)
DEV := $(VENV)/.dev-$(TREE)
TRAINING := $(VENV)/.training-$(TREE)
LOAD := $(VENV)/.load-$(TREE)

# run a module that sends traffic: in a container in the network of compose where that runs, else here
with_stack = if [ -n "$$($(COMPOSE) ps --quiet collector 2>/dev/null)" ]; then \
    $(COMPOSE) build --quiet demo && exec $(COMPOSE) run --rm --no-deps demo python $(1); \
  else $(MAKE) --no-print-directory $(RUN) && exec $(PY) $(1); fi

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

##  On this machine, without Docker

.PHONY: setup run demo train
setup: $(RUN) ## make .venv and install what `make run` needs
run: $(RUN) ## run the whole stack on this machine, with SQLite, until Ctrl-C
	@exec $(PY) -m stack
demo: ## send real data through the running stack (`make run` or `make up`): first clean, then drifting
	@$(call with_stack,-m demo)
train: $(TRAINING) ## train both models again and write them into models/ (installs torch)
	@exec $(PY) -m training

##  Tests

.PHONY: check lint test chaos screenshots test-compose
check: lint ## lint and the fast tests
	$(PY) -m pytest -q tests/unit tests/test_architecture.py
lint: $(DEV) ## check style, types, Dockerfiles, compose.yaml, and the rules of Prometheus (where promtool is installed)
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy
	$(VENV)/bin/shellcheck .ci/run k8s/cloudrun/*.sh
	$(VENV)/bin/hadolint services/*/Dockerfile demo/Dockerfile training/Dockerfile k8s/with-models.Dockerfile
	@$(VENV)/bin/docker-compose --env-file /dev/null --profile demo --profile train config --quiet
	@if command -v promtool >/dev/null; then \
	  promtool check config prometheus/prometheus.yml && promtool test rules prometheus/tests/*.yml; \
	else echo "Left out: the check of prometheus/ (promtool is missing; Debian has it in the package prometheus)."; fi
test: $(DEV) .torch-if-any ## run every test that this machine can, but those of the images; prints what was left out and why
	@if ! docker info >/dev/null 2>&1; then echo "Left out: tests of the images and compose (no Docker engine answers)."; \
	else echo "Left out: tests of the images and compose (make test-compose runs them)."; fi
	$(PY) -m pytest -m "not compose" $(TESTS)
chaos: $(DEV) ## cause every fault of docs/reliability.md as often as it says there; prints the table of figures (12 minutes)
	@rm -f .chaos.md; status=0; PILOTHOUSE_CHAOS=full PILOTHOUSE_CHAOS_REPORT=.chaos.md $(PY) -m pytest -q tests/stack/faults || status=1; \
	echo "| fault | acknowledged | lost | twice | failed requests | answered unlogged |"; cat .chaos.md; rm -f .chaos.md; exit $$status
screenshots: $(DEV) ## take pictures of every page with demo data: light, dark and narrow, in FOLDER=screenshots (needs chromium)
	@exec $(PY) -m testkit.browser.screenshots $(or $(FOLDER),screenshots)
test-compose: $(DEV) ## build the images, and test them under compose and as Cloud Run services (needs a Docker engine)
	$(PY) -m pytest -m compose $(TESTS)

##  Speed

.PHONY: bench guard load soak
bench: $(DEV) ## run every benchmark, or PARTS="serving start"; results in .cache/bench (needs wrk, PostgreSQL, an hour, a quiet machine)
	@exec $(PY) -m bench $(PARTS)
guard: $(DEV) ## fail when a prediction takes over 1.5 times the processor time in bench/guard.json (needs wrk; a minute)
	@exec $(PY) -m bench.guard
load: $(LOAD) ## simulate users on the running stack: up to 100 within a minute, HTML report in load.html
	@exec $(VENV)/bin/locust --headless --only-summary --html load.html
soak: $(DEV) ## keep full load for SOAK_MINUTES=10; fails when memory grows (needs wrk)
	@exec $(PY) -m bench.soak

##  On Cloud Run and Kubernetes

.PHONY: deploy-check
deploy-check: $(DEV) ## check k8s/ and cloudbuild.yaml: schemas, rules, our settings (k8s/base and overlays need kustomize or kubectl)
	$(PY) -m pytest -q tests/unit/cloudrun tests/unit/k8s

##  With Docker

.PHONY: up down logs smoke images
up: ## docker compose up, in the background: everything, with PostgreSQL, Prometheus and Grafana (UP=more options)
	@$(COMPOSE) up --build --detach --wait $(UP) || { $(COMPOSE) logs --no-log-prefix setup; exit 1; }
	@$(COMPOSE) logs --no-log-prefix addresses
down: ## stop what `make up` started; data are kept (docker compose down --volumes removes them)
	$(COMPOSE) --profile demo down --remove-orphans
logs: ## follow the logs of what `make up` started
	$(COMPOSE) logs --follow --tail 50
smoke: ## predict with every model of the running stack, and wait until the records are stored
	@$(call with_stack,-m stack.smoke)
images: ## build the four images, labelled with the commit
	$(COMPOSE) build

##  Dependencies

.PHONY: generated pins
generated: $(RUN) ## write the generated files: rules, alerting, dashboards, tables of docs/, .env.example
	$(PY) -m monitoring
	$(PY) -m grafana
	$(PY) -m scripts.settings
pins: ## resolve pyproject.toml again on every Python found, and write constraints.txt (UPGRADE=1: newest versions)
	@pythons=; for p in python3.11 python3.12 python3.13; do $$p -c '' 2>/dev/null && pythons="$$pythons $$p"; done; \
	  $(PY) scripts/pins.py $(if $(UPGRADE),--upgrade) $$pythons

# Some names on the PATH are shims that do not run, and Debian's python3 lacks ensurepip without python3-venv: try each.
$(PY):
	@for p in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
	  if $$p -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    echo "Making $(VENV) with $$($$p --version)."; exec $$p -m venv --clear $(VENV); \
	  fi; \
	done; \
	echo "No Python 3.11 or newer with venv was found. On Debian and Ubuntu: apt install python3-venv." >&2; \
	echo "If it has another name: make PYTHON=/path/to/python3.12 ..." >&2; exit 1

$(RUN): | $(PY)
	@echo "Installing what the stack needs into $(VENV) (the first time this takes a few minutes)."
	@$(PIP) -e '.[stack]'
	@rm -f $(VENV)/.run-*; touch $@
$(DEV): $(RUN)
	@echo "Installing what the tests need."
	@$(PIP) -e '.[dev]'
	@rm -f $(VENV)/.dev-*; touch $@
$(TRAINING): $(RUN)
	@echo "Installing torch and what training needs."
	@$(PIP) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -e '.[training]'
	@rm -f $(VENV)/.training-*; touch $@
$(LOAD): $(RUN)
	@echo "Installing locust."
	@$(PIP) -e '.[load]'
	@rm -f $(VENV)/.load-*; touch $@

.PHONY: .torch-if-any
.torch-if-any: $(RUN)
	@$(MAKE) --no-print-directory $(TRAINING) || echo "Left out: tests that need torch, which could not be installed."
