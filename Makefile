# make demo   makes an environment, installs, clusters packaged pictures
# make check  lint, format, types       make test   tests       make test-all   the slow ones too
# make licences  the licences of what is needed
# make docs   the documentation's site     make wheels   what a container is built from
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# A process for each core, four at most; the tests of a file share what they made.
PARALLEL := -n auto --maxprocesses 4 --dist loadfile

.PHONY: demo check test test-all licences docs wheels browser clean

demo: $(VENV)/installed
	$(BIN)/pictree demo -o demo-run

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[umap]'
	touch $@

$(VENV)/dev: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/readers: $(VENV)/dev
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[readers]'
	touch $@

test: $(VENV)/dev browser
	$(BIN)/python -m pytest -q $(PARALLEL)

test-all: $(VENV)/readers browser
	$(BIN)/python -m pytest -q $(PARALLEL) -m ''

# Needs no network. Known weaknesses: `pip-audit -r constraints.txt`, which does.
licences: $(VENV)/dev
	$(BIN)/python -m tests.licences

$(VENV)/docs: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@

docs: $(VENV)/docs
	$(BIN)/python docs/reference.py
	$(BIN)/python -m sphinx -W --keep-going -q docs site
	@echo site/index.html

# Everything that `pip install --no-index` needs, in the versions of constraints.txt.
wheels:
	$(PYTHON) -m pip wheel --quiet --disable-pip-version-check -c constraints.txt -w wheels .

# The pages are tested in a real browser. Debian and Ubuntu get one here; elsewhere, install
# Chromium or Chrome by hand.
browser:
	@command -v chromium chromium-browser google-chrome >/dev/null 2>&1 \
	|| { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] \
	     && apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium >/dev/null; } \
	|| { echo "make test needs Chromium: sudo apt-get install chromium" >&2; exit 1; }

clean:
	rm -rf $(VENV) site wheels build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
