# Every target works from a fresh checkout: it makes .venv and installs what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

LOWEST := .venv-lowest

.PHONY: demo test lint fuzz coverage test-lowest test-networks test-torch docs notebooks bench package clean

demo: $(VENV)/.installed
	$(BIN)/phasediag critical-times --var 1,0.3 --dims 2,5 --alpha 0.23

test: lint
	$(BIN)/python -m pytest -q --numprocesses auto

# Networks of the user's own, each library in an environment of its own: they are large.
test-networks: .venv-networks/.installed
	.venv-networks/bin/python -m pytest -q tests/networks

test-torch: .venv-torch/.installed
	.venv-torch/bin/python -m pytest -q tests/torch

# The newest release may bring gigabytes for GPUs; any from 2.3 on does.
PINNED_torch ?= torch==2.13.0

.venv-%/.installed: pyproject.toml
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --editable '.[$*,devices,test]' $(PINNED_$*)
	touch $@

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Ten thousand argument lists over all commands, and as many calls of the functions: half an hour of one processor.
# FUZZ=1000 takes a tenth of that, FUZZ_SEED=1 other arguments; `make test` runs a few.
fuzz: $(VENV)/.installed-test
	FUZZ=$${FUZZ:-10000} $(BIN)/python -m pytest -q tests/fuzz

# Lines and branches that the tests run.
coverage: $(VENV)/.installed-test
	$(BIN)/python -m pytest -q --numprocesses auto --cov --cov-report=term:skip-covered

# The tests with the lowest versions that pyproject.toml allows; what these warn of in each other is theirs.
test-lowest: $(LOWEST)/.installed
	$(LOWEST)/bin/python -m pytest -q --numprocesses auto -W ignore::DeprecationWarning

# Fresh: pages show what the package computes, and Sphinx does not see it change.
docs: $(VENV)/.installed-docs
	$(BIN)/sphinx-build --quiet --fresh-env --jobs auto --fail-on-warning --keep-going --builder html docs docs/_build/html
	@echo docs/_build/html/index.html

# Tutorials and examples as notebooks, opened in JupyterLab.
notebooks: $(VENV)/.installed-docs
	$(BIN)/python -m pip install --quiet jupyterlab
	rm -rf notebooks && mkdir notebooks
	cp examples/*.py examples/tutorials/*.py notebooks
	cd notebooks && ../$(BIN)/jupytext --quiet --to notebook *.py && rm *.py
	$(BIN)/jupyter lab notebooks

# The archives of a release in dist/, checked as a stranger meets them.
package: .venv-package/bin/twine
	rm -rf dist
	.venv-package/bin/python -m build --outdir dist
	.venv-package/bin/twine check --strict dist/*
	.venv-package/bin/python packaging/check.py

.venv-package/bin/twine:
	$(PYTHON) -m venv .venv-package
	.venv-package/bin/python -m pip install --quiet build twine

bench: $(VENV)/.installed-test
	@$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) $(LOWEST) .venv-networks .venv-torch .venv-package dist notebooks

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("phasediag needs Python 3.11 or newer: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.installed-test: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[test,dask,data,xarray]'
	touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[docs,dask,data,xarray]'
	touch $@

$(LOWEST)/.installed: pyproject.toml
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet uv
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct --editable '.[test]'
	touch $@
