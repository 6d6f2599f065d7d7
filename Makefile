# Needs only make and Python 3.11 to 3.14; the pinned PyTorch has no build for newer versions.
#   make demo    the three methods on the embedded miniature, then the leaderboard
#   make test    lint, types, tests
#   make slow    the tests that take longer

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && { echo $$p; exit; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.installed
DEVELOPMENT := $(VENV)/.installed-dev
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --quiet

.PHONY: help demo install test slow lint format types clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^#   //p' Makefile

demo: $(RUNTIME)
	@$(BIN)/python -m benchmark sweep --methods standard,da_fusion,diagen --seeds 0,1,2
	@$(BIN)/python -m benchmark leaderboard
	@echo
	@echo "One page with figures and images, reports/report.html:"
	@echo "  $(BIN)/python -m benchmark report"
	@echo "Every run, table and image grid, in a browser:"
	@echo "  $(BIN)/mlflow ui --backend-store-uri $${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db}"

install: $(RUNTIME)

test: $(DEVELOPMENT) lint types
	$(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --dist=worksteal

slow: $(DEVELOPMENT)
	$(BIN)/python -m pytest -m slow

lint: $(DEVELOPMENT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEVELOPMENT)
	$(BIN)/mypy

format: $(DEVELOPMENT)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Removes the environment and the tools' caches; keeps runs (mlflow.db, mlruns/) and the store.
clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 to 3.14 is needed: make demo PYTHON=/path/to/python3"; exit 1; }
	@echo "making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)

# Each stamp file is newer than the requirements it stands for, so a second call installs nothing.
$(RUNTIME): requirements.txt | $(BIN)/python
	@echo "installing requirements.txt into $(VENV) (some gigabytes the first time)"
	@$(PIP_INSTALL) -r requirements.txt
	@touch $@

$(DEVELOPMENT): requirements-dev.txt requirements.txt | $(BIN)/python
	@echo "installing requirements-dev.txt into $(VENV)"
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch $(RUNTIME) $@
