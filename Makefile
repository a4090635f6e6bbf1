# Sets everything up by itself in .venv; needs Python >= 3.11, git and make.
#   make        the environment: .venv/bin/tieout is the command afterwards
#   make demo   the main job on the companies that ship with the package
#   make test   the tests

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := venv
.PHONY: venv demo test lint bench lock clean

venv: $(READY)

# Hash-checked; by uv when it can be had (seconds), else by pip with the same file (minutes).
$(READY): pyproject.toml requirements/dev.txt requirements/installer.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "tieout needs Python 3.11 or later; name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || { rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); } || \
	  { echo "python3 can't make a virtual environment (on Debian: apt-get install python3-venv)" >&2; exit 1; }
	@echo "Installing the locked packages into $(VENV) ..."
	@{ $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/installer.txt && \
	   $(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/dev.txt; } || \
	 { echo "uv is not to be had here; installing with pip, which takes longer ..."; \
	   $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

# 0 (reconciled) and 1 (differences) are both a demo that worked.
demo: $(READY)
	@$(BIN)/tieout demo; status=$$?; test $$status -le 1 || exit $$status

# A worker a core, each with one thread: the books of the tests are small, and threads would wait for each other.
test: $(READY)
	POLARS_MAX_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python benchmarks/compare.py

# Resolves anew: all platforms, Python 3.11 and later, hashes, no host names.
LOCK := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras
lock: $(READY)
	$(LOCK) pyproject.toml -o requirements/runtime.txt
	$(LOCK) pyproject.toml --group pyproject.toml:dev -o requirements/dev.txt
	$(LOCK) --group pyproject.toml:installer -o requirements/installer.txt
	$(LOCK) --group pyproject.toml:datacompy -o requirements/datacompy.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
