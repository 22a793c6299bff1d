# Two commands matter: `make demo` and `make test`. README.md tells the rest.

# Debian's packages to build and test with; the same names on Debian 12 and 13.
PACKAGES := librdkafka-dev libpq-dev libwebsockets-dev libssl-dev zlib1g-dev pkg-config openssl tzdata gzip \
	systemd mandoc

# Real trades, when they are at hand; otherwise the demo plays a seeded session.
RECORDING ?= $(wildcard ../shared/data/upbit_trades.csv.gz)
DEMO_OPTIONS := $(if $(LIVE),--live,$(if $(RECORDING),--recording $(RECORDING)))

# The services carry the Swift runtime, so that they run where no toolchain is.
RELEASE := swift build -c release --static-swift-stdlib

SERVICES := producer consumer loader

# Where `make install` puts things. A package is made with DESTDIR=debian/tmp PREFIX=/usr.
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
DESTDIR ?=
# Where the executables are, and what is made of them for installing.
BUILD ?= .build/release
EXTRAS := $(BUILD)/install

# How long `make faults` sends ticks, and what plans the faults; unset, a short round with a random seed.
FAULT_OPTIONS := $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(RATE),--rate $(RATE)) \
	$(if $(TICKS),--ticks $(TICKS)) $(if $(KILLS),--kills $(KILLS)) $(if $(PIECES),--pieces $(PIECES))

.PHONY: help demo test units-test faults bench bench-check bench-build images-test build extras install uninstall \
	dependencies timescaledb prometheus docs format lint clean

help:
	@echo "make demo          send a recorded session from a WebSocket to BigQuery, and compare (LIVE=1: real ticks)"
	@echo "make test          build and run every test"
	@echo "make units-test    the systemd units under a real systemd, beside this machine's own (as root)"
	@echo "make faults        kill, cut and starve the services at random, and compare (MINUTES=60 SEED=7: longer, again)"
	@echo "make bench         measure the services beside their physical limits (BENCH_OPTIONS='--only consumer')"
	@echo "make bench-check   the same in short, for CI: has a ratio dropped by a third?"
	@echo "make images-test   build the images with podman, without a registry, and send a session through them (root)"
	@echo "make build         release binaries in .build/release, with manual pages and completions for shells"
	@echo "make install       what was built, and the systemd units (PREFIX=/usr/local DESTDIR=); uninstall"
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

# The installed units under a systemd of their own. As root, where the kernel lets a systemd boot beside this one.
units-test: build timescaledb
	$(RELEASE) --product sandbox
	$(RELEASE) --product units
	@staging=$$(mktemp -d) && trap 'rm -rf "$$staging"' EXIT && \
		$(MAKE) --no-print-directory install DESTDIR="$$staging" PREFIX=/usr/local && .build/release/units "$$staging"

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
	$(RELEASE) --product manual
	@$(MAKE) --no-print-directory extras

# Manual pages and completions, told by the executables themselves.
extras: $(foreach service,$(SERVICES),$(addprefix $(EXTRAS)/$(service).,1 bash zsh fish))

$(EXTRAS)/%.1: $(BUILD)/% $(BUILD)/manual
	@mkdir -p $(@D)
	@$< --experimental-dump-help >$@.json && $(BUILD)/manual <$@.json >$@.new && rm $@.json && mv $@.new $@

define COMPLETION
$(EXTRAS)/%.$(1): $(BUILD)/%
	@mkdir -p $$(@D)
	@$$< --generate-completion-script $(1) >$$@.new && mv $$@.new $$@
endef
$(foreach shell,bash zsh fish,$(eval $(call COMPLETION,$(shell))))

# What was built, and nothing else: root builds nothing here. Settings that are there stay as they are.
install:
	@for file in $(foreach service,$(SERVICES),$(BUILD)/$(service) $(addprefix $(EXTRAS)/$(service).,1 bash zsh fish)); do \
		[ -e $$file ] || { echo "$$file is missing: run 'make build' first"; exit 1; }; \
	done
	@for service in $(SERVICES); do $(INSTALL_SERVICE); done
	@for unit in $(UNITS); do $(INSTALL_UNIT); done
	@echo "installed in $(DESTDIR)$(PREFIX); settings are in $(DESTDIR)$(SYSCONFDIR)/ticker-pipeline. Then: systemctl daemon-reload"

UNITS := $(notdir $(wildcard systemd/ticker-*))
SETTINGS := $(DESTDIR)$(SYSCONFDIR)/ticker-pipeline
MANUAL = $(DESTDIR)$(PREFIX)/share/man/man1/$$service.1
BASH_COMPLETION = $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$service
ZSH_COMPLETION = $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_$$service
FISH_COMPLETION = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/$$service.fish
UNIT = $(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit

INSTALL_SERVICE = set -e; \
	install -D -m 755 $(BUILD)/$$service $(DESTDIR)$(PREFIX)/bin/$$service; \
	install -D -m 644 $(EXTRAS)/$$service.1 $(MANUAL); \
	install -D -m 644 $(EXTRAS)/$$service.bash $(BASH_COMPLETION); \
	install -D -m 644 $(EXTRAS)/$$service.zsh $(ZSH_COMPLETION); \
	install -D -m 644 $(EXTRAS)/$$service.fish $(FISH_COMPLETION); \
	[ -e $(SETTINGS)/$$service.env ] || install -D -m 600 systemd/$$service.env $(SETTINGS)/$$service.env

INSTALL_UNIT = set -e; \
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system; \
	sed -e 's|/usr/local/|$(PREFIX)/|g' -e 's|/etc/ticker-pipeline/|$(SYSCONFDIR)/ticker-pipeline/|g' \
		systemd/$$unit >$(UNIT).new; \
	chmod 644 $(UNIT).new; \
	mv $(UNIT).new $(UNIT)

# Settings that somebody changed stay, and the spool in any case.
uninstall:
	@for service in $(SERVICES); do \
		rm -f $(DESTDIR)$(PREFIX)/bin/$$service $(MANUAL) $(BASH_COMPLETION) $(ZSH_COMPLETION) $(FISH_COMPLETION); \
		if cmp -s systemd/$$service.env $(SETTINGS)/$$service.env; then rm $(SETTINGS)/$$service.env; fi; \
	done
	@for unit in $(UNITS); do rm -f $(UNIT); done
	@if [ -d $(SETTINGS) ] && ! rmdir $(SETTINGS) 2>/dev/null; then echo "your settings are still in $(SETTINGS)"; fi

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
