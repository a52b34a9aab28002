# Every target installs what it needs; a fresh clone needs only make and a Python 3.12 to 3.15.

python := .venv/bin/python
lock := .venv/bin/uv pip compile --quiet --no-config --universal --python-version 3.12 --generate-hashes --no-header --no-annotate $(LOCK_FLAGS)
production := ENVIRONMENT=production ALLOWED_HOSTS=keyhouse.example DATABASE_URL=postgresql://check@localhost/check

.PHONY: help serve test soak mutate check bench bench-admin bench-usage screenshots format lock clean base dev

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(MAKEFILE_LIST)

# One plain command, so that make runs it without a shell and signals reach Python itself.
serve: base ## run Keyhouse; HOST, PORT, WORKERS and DATABASE_URL configure it
	@$(python) manage.py serve

test: dev ## run all tests on a PostgreSQL of their own; TEST_FLAGS='-k name -x' selects some
	@$(python) -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder $(TEST_FLAGS)

soak: dev ## repeat the crash and concurrency tests for ten minutes
	@SOAK=1 $(python) -m pytest $(TEST_FLAGS) tests/e2e/test_crashes.py tests/e2e/test_exactly.py

# Half an hour for all of a module's mutants: MUTATE_FLAGS='--integration-maximum 50' tries fewer on the database.
mutate: ## change the code of MODULE one spot at a time, and list what no test notices: make mutate MODULE=oauth
	@sh deploy/bootstrap.sh mutation
	@$(python) -m tests.mutation $(MODULE) $(MUTATE_FLAGS)

check: dev ## style, types, layers, migrations, and Django's own checks for production
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(python) manage.py makemigrations --check --dry-run
	@$(python) manage.py check
	@$(production) SECRET_KEY="$$($(python) -c 'import secrets; print(secrets.token_urlsafe(48))')" \
		$(python) manage.py check --deploy --fail-level WARNING

bench: ## measure Keyhouse beside another service in 25 minutes; BENCH_FLAGS='--only verify' chooses
	@sh deploy/bootstrap.sh bench
	@$(python) -m tests.benchmarks $(BENCH_FLAGS)

bench-admin: dev ## time every list of the admin and of the API with a million rows in each, in 20 minutes
	@$(python) -m tests.benchmarks.back_office

bench-usage: dev ## time usage reports and exports with ten million calls, in the empty database of DATABASE_URL
	@$(python) manage.py migrate -v0
	@$(python) -m tests.benchmarks.usage_reports

screenshots: dev ## take the pictures of docs/images anew, with Chromium
	@$(python) -m tests.screenshots

# What ruff cannot fix stops `format` last, after everything else is formatted.
format: dev ## format the code, and fix what can be fixed
	@.venv/bin/ruff check --fix --exit-zero --quiet .
	@.venv/bin/ruff format .
	@.venv/bin/ruff check .

# The other sets take their versions from dev, so that production and benchmarks run what is tested. uv writes hashes of
# every platform's files, and no download URLs.
lock: dev ## rewrite requirements/*.txt; LOCK_FLAGS=--upgrade takes the newest versions
	@$(lock) requirements/dev.in --output-file requirements/dev.txt
	@$(lock) requirements/base.in --constraint requirements/dev.txt --output-file requirements/base.txt
	@$(lock) requirements/production.in --constraint requirements/dev.txt --output-file requirements/production.txt
	@$(lock) requirements/bench.in --constraint requirements/dev.txt --output-file requirements/bench.txt
	@$(lock) requirements/mutation.in --constraint requirements/dev.txt --output-file requirements/mutation.txt

clean: ## delete .venv and caches; keeps the data in .keyhouse
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

base dev:
	@sh deploy/bootstrap.sh $@
