# Everything a newcomer or CI needs. `make help` lists the targets.

HOST ?= 127.0.0.1
PORT ?= 8000
OUTPUT ?= out/sbom.json
VENV := .venv
BIN := $(VENV)/bin

# The first Python on the path that is new enough and not too new; PYTHON=... overrides.
IS_SUPPORTED := -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
CANDIDATES := python3 python3.13 python3.12 python3.11 python
PYTHON ?= $(shell for p in $(CANDIDATES); do $$p $(IS_SUPPORTED) 2>/dev/null && echo $$p && break; done)

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := check
.PHONY: help run install test test-slow lint fmt types imports smoke check lock bench bench-train bench-scale load fuzz properties faults soak audit licences sbom pin-base translations screenshots clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

run: $(VENV)/serve.stamp  ## install what serving needs and serve on http://HOST:PORT/
	@DEEPFAKE_HOST=$(HOST) DEEPFAKE_PORT=$(PORT) $(BIN)/python -m gunicorn inference:app

test: $(VENV)/dev.stamp  ## install everything and run the default tests
	$(BIN)/python -m pytest -m "not slow"

test-slow: $(VENV)/dev.stamp  ## run the tests that train, serve or read whole archives
	$(BIN)/python -m pytest -m slow

check: test test-slow lint types imports  ## what CI runs, but for the smoke test

install: $(VENV)/dev.stamp  ## install everything: serving, training, development

lint: $(VENV)/dev.stamp  ## ruff and numpydoc
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m numpydoc.hooks.validate_docstrings $$(git ls-files 'deepfake_detector/*.py' 'supply_chain/*.py' train.py inference.py)

fmt: $(VENV)/dev.stamp  ## let ruff format and mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(VENV)/dev.stamp  ## mypy, strict
	$(BIN)/mypy

imports: $(VENV)/dev.stamp  ## the import contract of docs/architecture.md
	$(BIN)/lint-imports

smoke:  ## serve from a fresh environment with requirements-serve.txt alone
	$(require_python)rm -rf .smoke-venv
	$(PYTHON) -m venv .smoke-venv
	.smoke-venv/bin/python -m pip install -q --require-hashes -r requirements-serve.txt
	.smoke-venv/bin/python -W error tests/smoke/serve.py

lock: $(VENV)/dev.stamp  ## pin pyproject.toml's ranges into the three requirements files
	$(lock) $(addprefix --extra ,train dev parquet ray) -o requirements-dev.txt
	$(lock) --extra train -c requirements-dev.txt -o requirements.txt
	$(lock) -c requirements-dev.txt -o requirements-serve.txt

bench: $(VENV)/dev.stamp  ## measure serving against the plain way; prints JSON
	$(BIN)/python -m benchmarks.serving

bench-train: $(VENV)/dev.stamp  ## measure training against the plain way; prints JSON
	$(BIN)/python -m benchmarks.training

bench-scale: $(VENV)/dev.stamp  ## measure how cost grows: pictures in bulk, pixels, faces, workers; prints JSON
	$(BIN)/python -m benchmarks.scale

load: $(VENV)/dev.stamp  ## put the shipped server under 64 clients for 60 s; prints JSON
	$(BIN)/python -m benchmarks.load

FUZZ_MINUTES ?= 10

fuzz: $(VENV)/dev.stamp  ## try the boundaries with inputs made up for FUZZ_MINUTES; prints JSON
	$(BIN)/python -m tests.fuzz.run --minutes $(FUZZ_MINUTES)

properties: $(VENV)/dev.stamp  ## the property tests, with many more examples than by default
	HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest tests/property

faults: $(VENV)/dev.stamp  ## inject faults for real; writes the table of docs/reliability.md
	WRITE_FAULTS=1 $(BIN)/python -m pytest tests/faults

soak: $(VENV)/dev.stamp  ## put the shipped server under full load for 10 minutes; prints JSON
	$(BIN)/python -m benchmarks.soak

audit: $(VENV)/dev.stamp  ## known vulnerabilities of what is locked; prints JSON
	$(BIN)/python -m supply_chain.audit

licences: $(VENV)/dev.stamp  ## whether each locked package may be used; prints JSON
	$(BIN)/python -m supply_chain.licences

sbom: $(VENV)/dev.stamp  ## what a server is made of, as CycloneDX, into OUTPUT
	@mkdir -p out
	$(BIN)/python -m supply_chain.sbom --output $(OUTPUT)

pin-base: $(VENV)/dev.stamp  ## write the base image's digest, as REGISTRY says it
	$(BIN)/python -m supply_chain.base_image $(if $(REGISTRY),--registry $(REGISTRY))

translations: $(VENV)/dev.stamp  ## collect the page's words and compile each language
	$(BIN)/pybabel -q extract -F pyproject.toml --omit-header --add-location=file --sort-by-file \
		--no-wrap -o translations/messages.pot deepfake_detector templates
	$(BIN)/pybabel -q update -i translations/messages.pot -d translations --no-wrap \
		--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
	$(BIN)/pybabel compile -d translations --statistics

screenshots: $(VENV)/dev.stamp  ## docs/images, from the page as chromium shows it
	PYTHONPATH=. $(BIN)/python docs/screenshots.py

clean:  ## remove the environments and caches, not the data
	rm -rf $(VENV) .smoke-venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

# Extras are kept: without them older pips resolve `name[extra]` anew, and take a newer
# release, which has no hash here.
lock = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-strip-extras --no-emit-index-url --no-emit-find-links --no-header pyproject.toml

# One line that names the versions, before anything is made.
require_python = $(if $(shell $(or $(PYTHON),false) $(IS_SUPPORTED) 2>/dev/null && echo yes),,\
	$(error deepfake-detector needs Python 3.11, 3.12 or 3.13: install one or name it with make PYTHON=...))

$(BIN)/python:
	$(require_python)$(PYTHON) -m venv $(VENV)

$(VENV)/serve.stamp: requirements-serve.txt | $(BIN)/python
	$(BIN)/python -m pip install -q --require-hashes -r $<
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m pip install -q --require-hashes -r $<
	@touch $@ $(VENV)/serve.stamp
