# make lab opens the course; everything else is below, or in `make help`.
# PYTHON names another Python 3.11 than python3.11; PORT another port for JupyterLab than 8888.

PORT ?= 8888
export PYTHON

COURSE := .venv/bin/course
PYTEST := .venv/bin/python -m pytest
PROCESSES := --numprocesses 2 --max-worker-restart 0
RESULTS := results/sample
REPORT := report/sample
RECORDED := $(CURDIR)/.course/recorded

.DEFAULT_GOAL := help
.PHONY: help lab setup test lint verify prepare nbval answers grade build bench clean lock environment environment-dev

help:  ## Show this list
	@sed -n 's/^\([a-z-]*\):.*  ## /\1  /p' Makefile | awk '{ name = $$1; $$1 = ""; printf "make %-8s%s\n", name, $$0 }'

environment:
	@sh autograder/setup/environment.sh requirements.lock

environment-dev:
	@sh autograder/setup/environment.sh requirements-dev.lock

setup: environment  ## Install packages, jars and Spark's configuration; repairs what is not right
	@$(COURSE) setup

lab: setup  ## Set up whatever is missing and open JupyterLab on modules/
	@$(COURSE) lab --port $(PORT)

lint: environment-dev  ## Style and types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

# What grading needs once for a machine takes a minute of one processor, style, types and rules most of one: side by side.
prepare: environment-dev
	@$(COURSE) setup --services kafka --grading

verify: environment-dev
	$(COURSE) verify

test: environment-dev  ## Everything that CI runs: style, types, drift, the course's own lint, tests, notebooks
	@$(COURSE) setup --services kafka
	@$(MAKE) --no-print-directory --jobs 2 prepare lint verify
	@$(MAKE) --no-print-directory nbval
	$(COURSE) build --check --recorded $(RECORDED)
	@.venv/bin/python benchmarks/answers.py --say
	$(PYTEST) $(PROCESSES) --dist loadscope --no-loadscope-reorder --durations 20 --durations-min 10

# Later modules take longest, and what begins last should be short: the other process waits for it.
nbval: environment-dev  ## Run every solution notebook once: nbval compares the outputs, what it makes is recorded
	rm -rf $(RECORDED)
	COURSE_RECORD=$(RECORDED) $(PYTEST) $(PROCESSES) --dist loadfile --no-loadscope-reorder --nbval --nbval-current-env --nbval-cell-timeout=300 --nbval-sanitize-with autograder/authoring/sanitize.cfg $$(ls -rd solutions/[0-9]*)

answers: environment-dev  ## Judge all wrong and right answers of notebooks that have changed, and keep that it was done
	@$(COURSE) setup
	.venv/bin/python benchmarks/answers.py

grade: environment  ## Grade the sample submissions into results/sample, with feedback and a class report
	@$(COURSE) setup --grading
	$(COURSE) grade .course/sample-submissions --samples --out $(RESULTS)
	$(COURSE) report $(RESULTS) --out $(REPORT)

build: environment-dev  ## Make the notebooks, references and manifest from solutions/*.py
	@$(COURSE) setup
	$(COURSE) build

bench: environment-dev  ## Measure what docs/benchmarks.md says
	@$(COURSE) setup --services kafka
	@set -e; for script in benchmarks/comparer.py benchmarks/memory.py benchmarks/nbval.py benchmarks/verdict.py benchmarks/stream.py benchmarks/generator.py; do echo "$$script"; .venv/bin/python "$$script" --publish; done

lock: environment-dev  ## Raise the locked packages and recompute the jars' checksums
	.venv/bin/uv pip compile --quiet --upgrade --generate-hashes --python-version 3.11 requirements.in -o requirements.lock
	.venv/bin/uv pip compile --quiet --upgrade --generate-hashes --python-version 3.11 requirements-dev.in -o requirements-dev.lock
	echo uv | .venv/bin/uv pip compile --quiet --upgrade --generate-hashes --python-version 3.11 --no-header --no-annotate - \
		-o autograder/setup/installer.lock
	.venv/bin/python -m autograder.setup.jars_update

clean:  ## Remove what set-up and tests made; a learner's progress and backups stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info $(RESULTS) $(REPORT)
	rm -rf .course/jars .course/spark-conf* .course/warehouse spark-warehouse metastore_db derby.log
	find $(wildcard autograder datasets tests benchmarks) -name __pycache__ -type d -prune -exec rm -rf {} +
