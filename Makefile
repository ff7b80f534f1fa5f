# make demo          run every family on bundled audio with the bundled checkpoints, write demo/report.html
# make test          tests of every module, in the reference environment (requirements.lock): some minutes
# make test-all      these and the slow ones: all checkpoints, whole trainings
# make test-latest   what `make test` runs, on the newest packages that setup.py allows and the newest Python that is here,
#                    and the tests of JAX and PyTorch
# make cards         write MODEL_CARDS.md and the README's table from checkpoints/*/card.json
# make docs          the pages of docs/ and the API reference as a site, in site/; fails on a broken link or example
# make bench         measure what the README's table of speed tells, on this machine, beside other packages (8 GB)
# make lint          ruff
# make clean         remove the environments and everything built
#
# PYTHON=/path/to/python chooses the interpreter, LATEST=/path/to/python that of test-latest; ARGS="-k jnd" goes to
# pytest; WORKERS=1 is for little memory.

SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)
# The newest Python that runs, also one of pyenv; TensorFlow has no wheels for a later one than 3.13 yet.
LATEST ?= $(shell for p in python3.13 $(wildcard $(HOME)/.pyenv/versions/3.13.*/bin/python) python3.12 python3.11 python3; do $$p -c 'import ensurepip' 2>/dev/null && echo $$p && break; done)
ARGS ?=
# Processes that share the tests, file by file (tests/conftest.py orders them); each has one thread and up to 4 GB.
WORKERS ?= 2
PYTEST = -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-all test-latest cards docs bench lint clean machine listening-programs

demo: .venv/.ready
	.venv/bin/python -m examples.demo

test: .venv/.ready
	.venv/bin/python $(PYTEST) -m "not slow" $(ARGS)

test-all: .venv/.ready listening-programs
	.venv/bin/python $(PYTEST) -m "not jax" $(ARGS)

test-latest: .venv-latest/.ready
	.venv-latest/bin/python $(PYTEST) -m "not slow or jax or torch" $(ARGS)

cards: .venv/.ready
	.venv/bin/python tools/make_cards.py

# NO_MKDOCS_2_WARNING leaves out the theme's notice of its successor, which is not of these pages.
docs: .venv/.ready
	.venv/bin/python -m pytest -q tests/docs $(ARGS)
	NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs build --strict  # with -q its warnings would not count

bench: .venv-peers/.ready
	for job in startup scoring runtimes labels gradients jnd enhancement texture; do \
		.venv-peers/bin/python -m tools.bench.$$job || exit 1; done
	for job in startup gradients jnd enhancement; do KERAS_BACKEND=torch .venv-peers/bin/python -m tools.bench.$$job || exit 1; done
	taskset -c 0 .venv-peers/bin/python -m tools.bench.separation
	.venv-peers/bin/python tools/make_cards.py

lint: .venv/.ready
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .

clean:
	rm -rf .venv .venv-latest .venv-peers build dist demo site *.egg-info .pytest_cache .ruff_cache
	find zoo tools tests -name __pycache__ -type d -prune -exec rm -rf {} +

# .ready stands only once everything is installed; an environment that is .unfinished, or of another Python, is made from
# nothing.
.venv/.ready: requirements.lock setup.py
	@$(MAKE) --no-print-directory machine
	@$(call environment,.venv,$(PYTHON))
	.venv/bin/python -m pip install -q --no-compile -r requirements.lock
	.venv/bin/python -m pip install -q --no-deps -e .
	@$(call compiled,.venv)
	@rm .venv/.unfinished && touch $@

# PyTorch at one version, so that a wheel of it for CPUs can be laid by (PIP_FIND_LINKS): the usual ones bring CUDA, some GB.
.venv-latest/.ready: setup.py
	@$(MAKE) --no-print-directory machine PYTHON=$(LATEST)
	@$(call environment,.venv-latest,$(LATEST))
	.venv-latest/bin/python -m pip install -q --no-compile -e \
		'.[baselines,dask,dnsmos,jax,jnd,listen,music,onnx,plots,separation,serve,tensorflow,test,textures,torch]' torch==2.13.0 lightning
	@$(call compiled,.venv-latest)
	@rm .venv-latest/.unfinished && touch $@
	@.venv-latest/bin/python -m pip list 2>/dev/null | grep -iE '^(tensorflow|keras|jax|numpy|onnxruntime) '

# The reference environment, and what the benchmarks set the zoo beside: PyTorch with its libraries for GPUs, some GB.
.venv-peers/.ready: requirements.lock setup.py
	@$(MAKE) --no-print-directory machine
	@$(call environment,.venv-peers,$(PYTHON))
	.venv-peers/bin/python -m pip install -q -r requirements.lock
	.venv-peers/bin/python -m pip install -q -c requirements.lock -e '.[peers]'
	@rm .venv-peers/.unfinished && touch $@

# pip is made new first: an old one takes minutes to choose versions.
define environment
echo "installing into $(1), some minutes"; \
if [ -e $(1)/.unfinished ] || [ "$$($(1)/bin/python -V 2>&1)" != "$$($(2) -V)" ]; then rm -rf $(1); fi; \
mkdir -p $(1) && touch $(1)/.unfinished && $(2) -m venv $(1) && $(1)/bin/python -m pip install -q -U pip
endef

# To bytecode on all cores: pip would do it on one. Some packages have templates that are no Python: not an error.
define compiled
$(1)/bin/python -m compileall -qq -j 0 $(1)/lib || true
endef

# What an install needs from the machine: the pesq package is compiled; museval reads audio through ffmpeg,
# and everything else works without it.
machine:
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or 3.12 is needed for the reference: install it, or make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make environments: sudo apt-get install python3-venv"; exit 1; }
	@command -v cc >/dev/null || command -v gcc >/dev/null || \
		{ echo "A C compiler is needed, pesq is compiled: sudo apt-get install build-essential"; exit 1; }
	@[ -e "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] || \
		{ echo "Python's headers are needed, pesq is compiled: sudo apt-get install python3-dev"; exit 1; }
	@$(call package,command -v ffmpeg,ffmpeg,separation metrics need it)

# What tries the pages and the databases of listening tests; without them those tests are skipped.
listening-programs:
	@$(call package,command -v chromium,chromium,tests of listening pages are skipped without it)
	@$(call package,ls /usr/lib/postgresql/*/bin/initdb,postgresql,tests of studies in it are skipped without it)

define package
{ $(1); } >/dev/null 2>&1 || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "installing $(2)" && \
	apt-get update -qq && apt-get install -y -qq $(2) >/dev/null 2>&1; } || \
	echo "The program $(2) is missing; $(3): sudo apt-get install $(2)"
endef
