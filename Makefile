# Two commands matter: `make demo` and `make test`. README.md tells the rest.

# Debian's packages to build and test with; the same names on Debian 12 and 13.
PACKAGES := librdkafka-dev libpq-dev libwebsockets-dev libssl-dev zlib1g-dev pkg-config openssl tzdata gzip

# Real trades, when they are at hand; otherwise the demo plays a seeded session.
RECORDING ?= $(wildcard ../shared/data/upbit_trades.csv.gz)
DEMO_OPTIONS := $(if $(LIVE),--live,$(if $(RECORDING),--recording $(RECORDING)))

# The services carry the Swift runtime, so that they run where no toolchain is.
RELEASE := swift build -c release --static-swift-stdlib

# How long `make faults` sends ticks, and what plans the faults; unset, a short round with a random seed.
FAULT_OPTIONS := $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(RATE),--rate $(RATE)) \
	$(if $(TICKS),--ticks $(TICKS)) $(if $(KILLS),--kills $(KILLS)) $(if $(PIECES),--pieces $(PIECES))

.PHONY: help demo test faults bench bench-check bench-build images-test build dependencies timescaledb prometheus \
	docs format lint clean

help:
	@echo "make demo          send a recorded session from a WebSocket to BigQuery, and compare (LIVE=1: real ticks)"
	@echo "make test          build and run every test"
	@echo "make faults        kill, cut and starve the services at random, and compare (MINUTES=60 SEED=7: longer, again)"
	@echo "make bench         measure the services beside their physical limits (BENCH_OPTIONS='--only consumer')"
	@echo "make bench-check   the same in short, for CI: has a ratio dropped by a third?"
	@echo "make images-test   build the images with podman, without a registry, and send a session through them (root)"
	@echo "make build         release binaries in .build/release"
	@echo "make docs          write the tables of docs/ anew from the code"
	@echo "make format lint   mend, or check, the formatting; lint checks docker/ as well"

demo: dependencies timescaledb
	$(RELEASE) --product producer
	$(RELEASE) --product consumer
	$(RELEASE) --product loader
	$(RELEASE) --product sandbox
	.build/release/sandbox demo $(DEMO_OPTIONS)

# One after the other: many start servers and processes of their own, and some measure time limits.
test: dependencies timescaledb prometheus
	swift build --build-tests
	swift test --skip-build --disable-xctest --no-parallel

# The outages are short here; 'faults outage' alone takes ten minutes for each.
faults: dependencies timescaledb
	$(RELEASE) --product producer
	$(RELEASE) --product consumer
	$(RELEASE) --product loader
	$(RELEASE) --product sandbox
	$(RELEASE) --product faults
	.build/release/faults round $(FAULT_OPTIONS)
	.build/release/faults outage --minutes 0.2

bench: bench-build
	.build/release/benchmarks $(BENCH_OPTIONS)

# Fails when a ratio has dropped by a third; `--renew` instead of `--check` makes this machine's the ones to compare with.
bench-check: bench-build
	.build/release/benchmarks --short --check Tests/Benchmarks/ratios.json

bench-build: dependencies timescaledb
	$(RELEASE) --product producer
	$(RELEASE) --product consumer
	$(RELEASE) --product loader
	$(RELEASE) --product benchmarks

# Says NOT RUN, and why, where podman cannot work. The first time it compiles for some minutes.
images-test: PACKAGES += podman runc debootstrap python3
images-test: dependencies timescaledb
	$(RELEASE) --product sandbox
	Tests/Images/test.sh

build: dependencies
	$(RELEASE) --product producer
	$(RELEASE) --product consumer
	$(RELEASE) --product loader

dependencies:
	@missing=; for package in $(PACKAGES); do \
		dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'install ok installed' || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
		echo "installing Debian packages:$$missing"; \
		if [ "$$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi; \
		$$sudo apt-get update -qq && \
		$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
	@command -v swift >/dev/null || { echo "no swift in PATH: install a Swift 6.3 toolchain"; exit 1; }

# A private PostgreSQL with TimescaleDB for the sandbox and the tests; nothing is installed.
timescaledb:
	@Tests/TestSupport/timescaledb.sh >/dev/null

# A real Prometheus and its promtool for the tests of metrics, rules and dashboards; nothing is installed.
prometheus:
	@Tests/TestSupport/prometheus.sh >/dev/null

# Writes the tables of docs/ anew from what the code declares; `make test` compares them.
docs:
	swift build --build-tests
	UPDATE_DOCS=1 swift test --skip-build --disable-xctest --no-parallel --filter 'DocumentTests'

format:
	swift format --in-place --recursive Package.swift Sources Tests

lint: PACKAGES := python3-venv
lint: dependencies
	swift format lint --strict --recursive Package.swift Sources Tests
	Tests/Images/lint.sh

clean:
	swift package clean
