# Each target installs what it needs. A fresh clone requires only make and Python 3.12 to 3.15.

python := .venv/bin/python
lock := .venv/bin/uv pip compile --quiet --no-config --universal --python-version 3.12 --generate-hashes --no-header --no-annotate $(LOCK_FLAGS)
production := ENVIRONMENT=production ALLOWED_HOSTS=keyhouse.example DATABASE_URL=postgresql://check@localhost/check

.PHONY: help serve test soak check bench format lock clean base dev

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' $(MAKEFILE_LIST)

# A single command without shell syntax, so that make runs it directly and signals reach Python.
serve: base ## run Keyhouse; reads HOST, PORT, WORKERS and DATABASE_URL
	@$(python) manage.py serve

test: dev ## run all tests on a temporary PostgreSQL; TEST_FLAGS='-k name -x' selects tests
	@$(python) -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder $(TEST_FLAGS)

soak: dev ## repeat the crash and concurrency tests for ten minutes
	@SOAK=1 $(python) -m pytest $(TEST_FLAGS) tests/e2e/test_crashes.py tests/e2e/test_exactly.py

check: dev ## check style, types, architecture, migrations, and Django's checks for production
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(python) manage.py makemigrations --check --dry-run
	@$(python) manage.py check
	@$(production) SECRET_KEY="$$($(python) -c 'import secrets; print(secrets.token_urlsafe(48))')" \
		$(python) manage.py check --deploy --fail-level WARNING

bench: ## benchmark Keyhouse and a reference service for 15 minutes; BENCH_FLAGS='--rounds 1 --no-write' is shorter
	@sh deploy/bootstrap.sh bench
	@$(python) -m tests.benchmarks $(BENCH_FLAGS)

format: dev ## format the code
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

# The other sets use the versions of dev, so that the tested versions are those that run in production. uv writes the
# hashes of the files for all platforms, and no download URLs.
lock: dev ## regenerate requirements/*.txt; LOCK_FLAGS=--upgrade uses the newest versions
	@$(lock) requirements/dev.in --output-file requirements/dev.txt
	@$(lock) requirements/base.in --constraint requirements/dev.txt --output-file requirements/base.txt
	@$(lock) requirements/production.in --constraint requirements/dev.txt --output-file requirements/production.txt
	@$(lock) requirements/bench.in --constraint requirements/dev.txt --output-file requirements/bench.txt

clean: ## delete .venv and caches; keeps the data in .keyhouse
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

base dev:
	@sh deploy/bootstrap.sh $@
