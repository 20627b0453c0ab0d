# Everything a newcomer types. `make` builds .venv itself; only Python 3.11+ and make are needed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
NEWER  := .prometheus-3

.DEFAULT_GOAL := help
.PHONY: help install demo kafka test test-unit test-integration test-slow test-page test-kafka test-observability bench lint format clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 22

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "sla-monitor needs Python 3.11 or later; name one: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test,lint,page,dashboards,parquet]'
	@touch $@

install: $(VENV)/.installed ## put sla-monitor into .venv

demo: install ## embedded broker, live traffic, monitor and wall page
	@$(BIN)/sla-monitor demo || [ $$? -eq 130 ] # Ctrl-C is how it ends

kafka: install ## a real Apache Kafka in the foreground, for trying things (needs Java 17 and Maven)
	@exec $(BIN)/python -m tests.kafka.run_broker

# What computes gives way to what waits for the program, so the two take little longer than one.
test: install ## unit and integration tests (nothing but pip needed)
	@$(MAKE) --no-print-directory --jobs 2 test-unit test-integration
	$(BIN)/pytest -m alone tests/integration

test-unit: install ## the first half of it
	nice $(BIN)/pytest --numprocesses 2 -m 'not slow' tests/unit

test-integration: install ## the second half, but for what measures time
	$(BIN)/pytest --numprocesses 2 -m 'not slow and not alone' tests/integration

test-slow: install ## what `make test` leaves out: the larger histories and searches (nothing but pip needed)
	$(BIN)/pytest --numprocesses 2 -m slow tests/unit tests/integration

test-page: install ## the wall in headless Chromium (needs chromium)
	$(BIN)/pytest tests/page

test-kafka: install ## the same paths on a real Apache Kafka (needs Java 17 and Maven, or KAFKA_BOOTSTRAP)
	$(BIN)/pytest tests/kafka

test-observability: install ## from ticket to page (needs Prometheus and Alertmanager; PROM=3 builds newer ones)
	$(if $(filter 3,$(PROM)),tests/observability/build-newer $(NEWER))
	PATH="$(if $(filter 3,$(PROM)),$(abspath $(NEWER)):)$$PATH" $(BIN)/pytest -s tests/observability

bench: install ## side by side with its peers on Apache Kafka (needs Java 17 and Maven, or KAFKA_BOOTSTRAP)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test,bench]'
	$(BIN)/python -m bench

lint: install ## ruff, mypy strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## let ruff format and fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove .venv and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
