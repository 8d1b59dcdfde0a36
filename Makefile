# siaga. `make run` and `make test` do all their own set-up.
PYTHON ?= python3
BIN := .venv/bin
# Empty, so that Python keeps its bytecode also where the environment says otherwise: without it each process of a test
# compiles all that it imports
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup run test containers check lint collect style sbom audit bench profile soak kills simulate clean

setup: .venv/.ready

run: .venv/.ready
	@exec $(BIN)/siaga up --demo

test: .venv/.ready-dev
	@scripts/servers.sh
	$(BIN)/pytest -n 3 --dist worksteal $(ARGS)

# The images and the compose file in real containers, without an outside registry; as root, some 15 minutes the first time
containers: .venv/.ready-dev
	@scripts/containers.sh
	SIAGA_CONTAINERS=1 $(BIN)/pytest -n 0 tests/containers $(ARGS)

# Lint and the quick tests that need no server
check: style
	$(BIN)/pytest -q -n 3 --dist worksteal --without-servers $(ARGS)

# Beside it the bill of materials (dist/sbom.cdx.json) and known vulnerabilities are told of, once a day
lint: .venv/.ready-dev
	@$(MAKE) --no-print-directory -j 2 style collect
	$(BIN)/pytest -q tests/project/test_arrows.py
	@$(BIN)/python scripts/supply_chain.py lint

sbom audit: .venv/.ready-dev
	@$(BIN)/python scripts/supply_chain.py $@

# Checks that all tests load. It also fills the bytecode cache for the workers of `make test`
collect: .venv/.ready-dev
	@found=$$($(BIN)/pytest -q --collect-only 2>&1) || { echo "$$found" | tail -n 40; exit 1; }

style: .venv/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/.ready-dev
	@scripts/servers.sh
	$(BIN)/python -m bench $(ARGS)

# make profile PART=engine (or collector, gateway, api) draws dist/profile/engine.svg; as root, or as whoever may trace
profile: .venv/.ready-dev
	@scripts/servers.sh
	$(BIN)/python -m bench.profile $(PART) $(ARGS)

# make soak HOURS=2; ARGS="--villages 20 --every 20" makes it smaller
soak: .venv/.ready-dev
	@scripts/servers.sh
	$(BIN)/python -m bench.soak --hours $(or $(HOURS),2) $(ARGS)

# make kills KILLS=120; as root, an hour or two. ARGS="--minutes 50 --villages 20" makes it shorter
kills: .venv/.ready-dev
	@scripts/servers.sh
	$(BIN)/python -m bench.kills --kills $(or $(KILLS),120) $(ARGS)

# make simulate SEEDS=1000 runs so many, make simulate SEED=123 TRACE=1 shows one step by step;
# DAYS=20 and DAY=7 are the same for runs of days; with LEADERS=1 also the leader changes, with SHOWS_LATE=1 the store
# is a cluster that shows what it stored some seconds later
simulate: .venv/.ready-dev
	@$(BIN)/python -m tests.simulation $(if $(DAY)$(DAYS),--days) --seeds $(or $(SEED),$(DAY),1-$(or $(SEEDS),$(DAYS),200)) \
		$(if $(TRACE),--trace) $(if $(LEADERS),--leaders) $(if $(SHOWS_LATE),--shows-late)

clean:
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache dist

.venv/.ready: uv.lock pyproject.toml scripts/bootstrap.py
	$(PYTHON) scripts/bootstrap.py
	@touch $@

.venv/.ready-dev: uv.lock pyproject.toml scripts/bootstrap.py
	$(PYTHON) scripts/bootstrap.py --dev
	@touch $@ .venv/.ready
