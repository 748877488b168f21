# Everything that is done with this repository, by name. `make` alone builds.

CARGO ?= cargo
TARGET := target
# Also where the environment names another folder: what is built is looked for here.
export CARGO_TARGET_DIR := $(CURDIR)/$(TARGET)
PLUGINS := parse-interactions count-interactions join-profiles detect-callbacks

# Of prove-streams.
SEED ?= 1
KILLS ?= 100
RECORDS ?= 300000
PARALLELISM ?= 0
# Of bench.
ROUNDS ?= 3

.PHONY: build host plugins guests tools demo test bench bench-memory prove-streams clean wasm-target

build: host plugins

# The host, and the simulator of the platform that the examples talk to.
host:
	$(CARGO) build --locked --release -p jackfield -p cxone-simulator

plugins: wasm-target
	$(CARGO) build --locked --profile plugin --target wasm32-wasip2 $(PLUGINS:%=-p %)
	@mkdir -p $(TARGET)/plugins
	@for plugin in $(PLUGINS); do \
	    cp "$(TARGET)/wasm32-wasip2/plugin/$$(echo $$plugin | tr - _).wasm" "$(TARGET)/plugins/$$plugin.wasm" || exit 1; done

# Plugins that misbehave, which only the tests run.
guests: wasm-target
	@if [ -f tests/guests/Makefile ]; then $(MAKE) -C tests/guests; fi

wasm-target:
	@if [ ! -d "$$(rustc --print sysroot)/lib/rustlib/wasm32-wasip2" ]; then \
	    rustup target add wasm32-wasip2 || { \
	    echo "Plugins are compiled for wasm32-wasip2, and rustup could not add this target to $$(rustc --version)."; \
	    echo "Add it as your installation of Rust wants it, then run make again."; exit 1; }; fi

tools:
	$(CARGO) build --locked --release -p jackfield-tests

# The example on 200,000 records, and what came out of it.
demo: build tools
	@$(TARGET)/release/demo

# Formatting, lints, unit tests, end-to-end tests, a crash test, licences, the documentation's commands.
test: build guests tools
	@tests/run

# Kills the host again and again and looks for damage, e.g. make prove-streams SEED=7 KILLS=500 RECORDS=1000000.
prove-streams: build tools
	@$(TARGET)/release/prove-streams --seed $(SEED) --kills $(KILLS) --records $(RECORDS) --parallelism $(PARALLELISM)

# Speed and memory on 5 million records, beside Apache Flink where FLINK_DIR names its job.
bench: build tools
	@$(TARGET)/release/bench speed --rounds $(ROUNDS)

# Resident memory through 20 million records.
bench-memory: build tools
	@$(TARGET)/release/bench memory

clean:
	$(CARGO) clean
