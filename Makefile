# The two commands a newcomer types are `make demo` and `make test`; both set up what they need.
SHELL := /bin/bash
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.tools/bin:$(PATH):/usr/sbin:/sbin
JOBS ?= 3

.PHONY: demo sandbox test lint check release-check bench soak verify-cases verify-merged verify-commanded prove-red docs picture lock clean verify-demo verify-notices verify-api verify-fronts verify-install verify-builds verify-pages verify-image page-pictures

demo:
	$(PYTHON) tools/setup demo
	tools/own-root python -m sandbox demo

sandbox:
	$(PYTHON) tools/setup demo
	python -m sandbox serve

test:
	$(PYTHON) tools/setup test
	$(MAKE) --no-print-directory lint
	tools/own-root pytest --numprocesses $(JOBS) --dist loadfile

lint:
	ruff check .
	ruff format --check .
	mypy
	lint-imports --no-cache
	python -m tools.structure
	actionlint -color=false
	zizmor --offline --quiet --no-progress .
	shellcheck tools/lock .ci/run bot/onboarding/join/join.sh

bench:
	$(PYTHON) tools/setup test
	tools/own-root python -m bench

# Longer than a test run may be: kills, misbehaviour and mutated webhooks by the hundred. About an hour.
soak:
	$(PYTHON) tools/setup test
	AIOS_BOT_FAULT_ROUNDS=100 AIOS_BOT_KILLS=100 AIOS_BOT_STORM_ROUNDS=8 AIOS_BOT_FUZZ=30000 \
	  pytest -q -rA -s --timeout 7200 tests/faults/test_kill.py tests/faults/test_service_killed.py \
	  tests/faults/test_github_misbehaves.py tests/faults/test_fuzz.py
	AIOS_BOT_IDLE=900 pytest -q -rA -s --timeout 7200 tests/acceptance/test_idle.py
	pytest -m soak -rA -s --timeout 7200

# Every case of tests/cases with each version of compose: planned, deployed by a node, and by compose alone. About
# half an hour.
verify-cases:
	$(PYTHON) tools/setup test
	AIOS_BOT_CASES=1000 tools/own-root pytest -q --timeout 1200 tests/integration/cases

# Each test of a behaviour of GitHub, with what the bot does about it taken away: it fails. About ten minutes.
prove-red:
	$(PYTHON) tools/setup test
	tools/own-root python -m tests.github.prove_red

# What was merged is deployed, refused or superseded: 10,000 random histories. Hours; goes on where it was stopped.
verify-merged:
	$(PYTHON) tools/setup test
	mkdir -p .cache
	AIOS_BOT_MERGED=10000 AIOS_BOT_MERGED_LEDGER=.cache/merged-fleets tools/own-root pytest -q -s --timeout 0 \
	  tests/github/test_merged.py

# What people command while merges are rolled out: 1,000 random histories of two nodes. About half an hour.
verify-commanded:
	$(PYTHON) tools/setup test
	AIOS_BOT_COMMANDED=1000 tools/own-root pytest -q -s --timeout 0 tests/github/test_commanded.py

# Two hundred edits of twelve Dockerfiles, planned, deployed and built on the engine. About half an hour; one that was
# stopped goes on where it was.
verify-builds:
	$(PYTHON) tools/setup test
	tools/own-root python -m bench builds --steps 200 --kept builds.jsonl

# The demo, ended by a signal at ten random moments: on a machine whose engine runs the same names, nothing changes.
verify-demo:
	$(PYTHON) tools/setup test
	AIOS_BOT_DEMO_ROUNDS=5 tools/own-root pytest -q -rA --timeout 7200 tests/acceptance/test_demo.py

# Notices to real receivers, while the sender is killed 120 times. About ten minutes.
verify-notices:
	$(PYTHON) tools/setup test
	AIOS_BOT_NOTICE_KILLS=60 pytest -q -rA -s --timeout 3600 tests/integration/features/notices

# The examples of a front for the internet, before the real service: Caddy as in every test run, and HAProxy, which has
# to be installed. Seconds.
verify-fronts:
	$(PYTHON) tools/setup test
	AIOS_BOT_FRONTS="caddy haproxy" pytest -q -rA -s tests/integration/service/test_fronts.py

# The API: ten thousand requests that schemathesis makes from its description. Some minutes.
verify-api:
	$(PYTHON) tools/setup test
	AIOS_BOT_API_REQUESTS=10000 pytest -q -rA -s --timeout 3600 tests/integration/web/test_api.py

# Every state of every page at 390 and 1280, light and dark: axe, width, console; their pictures in .cache/pages.
verify-pages:
	$(PYTHON) tools/setup test
	AIOS_BOT_PAGE_PICTURES=.cache/pages pytest -q -rA -s --timeout 1200 tests/browser/test_pages.py \
	  tests/browser/test_embedded_pages.py tests/browser/test_plan_page.py

# From built artifacts into bare roots of Debian: join, order, recover, upgrade, leave. Needs root, debootstrap and a mirror.
verify-install:
	$(PYTHON) tools/setup test
	tools/own-root pytest -m bare -q -rA -s --timeout 3600 tests/bare

# The image built by buildah on bases of this machine, started on an engine, and its sizes. Needs root and a mirror.
verify-image:
	$(PYTHON) tools/setup demo
	tools/own-root python -m tools.image

# make mutants [PACKAGE=plan] [TESTS=tests/unit/plan] [SAMPLE=1500 SEED=1]: does tests/unit notice when the pure code is wrong?
mutants:
	python -m tools.mutants --package "$(PACKAGE)" --tests "$(or $(TESTS),tests/unit)" --sample "$(or $(SAMPLE),0)" --seed "$(or $(SEED),1)"

# make release-check [DIST=dist]: what a release publishes, built twice, the same bytes, described and checked.
release-check:
	python -m tools.release $(DIST)
	if command -v buildah >/dev/null && command -v debootstrap >/dev/null; then tools/own-root python -m tools.image; \
	else echo "image: not built here, for want of buildah and debootstrap"; fi
	actionlint -color=false
	zizmor --offline --quiet --no-progress .

docs:
	python -m tools.docs
	python -m tests.golden.reports

picture:
	python -m tests.browser.picture

page-pictures:
	python -m tests.browser.page_pictures
	python -m tests.browser.right_pictures

lock:
	tools/lock

clean:
	rm -rf .cache .venv .tools .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .mutants
