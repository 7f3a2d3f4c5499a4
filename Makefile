# make demo    a fictional school and three directories, on this machine alone: no root, nothing to configure
# make test    everything; installs Samba, PostgreSQL, Chromium and Wine with apt when root, says what is missing when not
# make windows-bundle    one zip that installs onroll on a Windows server
# make deb         the package for Debian 12, in dist/ (built on Debian 12)
# make sbom        what onroll stands on, as CycloneDX, in dist/          make audit    whether something is known against any of it
# make lint | bench | soak
.PHONY: demo test lint check bench soak clean servers windows-test windows-parts windows-bundle deb sbom audit

PYTHON := .venv/bin/python
SOURCES := sync_core/onroll_core connectors/onroll_connectors daemon/onroll_daemon
export PYTHONDONTWRITEBYTECODE := $(PYTHONDONTWRITEBYTECODE)

demo: .venv/.run
	@.venv/bin/onroll demo

# Servers and wheels are waited for (the network), lint computes: all at once.
test: .venv/.dev
	@$(MAKE) --no-print-directory --output-sync -j3 servers lint windows-parts
	$(PYTHON) -m pytest -q -n 3 --dist worksteal tests

lint: .venv/.dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy $(SOURCES)
	.venv/bin/lint-imports

# The part of `make test` that runs Windows' own Python under Wine: the bundle, the service's life cycle, secrets, the event log.
windows-test: .venv/.dev servers
	$(PYTHON) -m pytest -q -n 2 --dist worksteal tests/windows

bench: .venv/.dev servers
	$(PYTHON) tests/benchmarks/run.py

soak: export ONROLL_SOAK := 1
soak: .venv/.dev servers
	$(PYTHON) -m pytest -q -n 2 --dist worksteal tests

servers:
	@bash tests/servers/install.sh

.venv/.run: pyproject.toml uv.lock
	@echo "Making .venv from uv.lock (once) ..."
	@sh packaging/bootstrap/environment.sh
	@touch $@

.venv/.dev: pyproject.toml uv.lock
	@echo "Making .venv from uv.lock, with what the tests need (once) ..."
	@sh packaging/bootstrap/environment.sh --dev
	@touch $@ .venv/.run

windows-parts: .venv/.run
	@$(PYTHON) packaging/windows/build.py --fetch

windows-bundle: .venv/.run
	@$(PYTHON) packaging/windows/build.py

deb: .venv/.run
	@$(PYTHON) packaging/debian/build.py

sbom:
	@python3 packaging/supply/sbom.py dist/onroll.cdx.json

audit:
	@python3 packaging/supply/audit.py

clean:
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
