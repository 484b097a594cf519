# The two commands a newcomer types are `make demo` and `make test`; both set up what they need.
SHELL := /bin/bash
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.tools/bin:$(PATH):/usr/sbin:/sbin
JOBS ?= 2

.PHONY: demo test lint check bench soak docs lock clean

demo:
	$(PYTHON) tools/setup demo
	tools/own-root aios-bot demo

test:
	$(PYTHON) tools/setup test
	$(MAKE) --no-print-directory lint
	tools/own-root pytest --numprocesses $(JOBS) --dist loadgroup

lint:
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	actionlint -color=false
	zizmor --offline --quiet --no-progress .
	shellcheck tools/lock .ci/run bot/joining/join.sh

bench:
	$(PYTHON) tools/setup test
	tools/own-root python -m bench

docs:
	python -m tests.golden.documents

lock:
	tools/lock

clean:
	rm -rf .venv .tools .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
