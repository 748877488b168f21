# Everything that is done with this repository, by name. `make` alone builds.

CARGO ?= cargo
TARGET := target
# Also where the environment names another folder: what is built is looked for here.
export CARGO_TARGET_DIR := $(CURDIR)/$(TARGET)
PLUGINS := parse-interactions count-interactions join-profiles detect-callbacks \
    key-records aggregate-windows join-latest match-patterns \
    schedule-report query-journeys \
    prepare-contacts sync-extension stream-export

# Of prove-streams, and seed and kills of prove-jobs too: what the pipeline stands between (embedded: files and a database, kafka: Kafka and Cassandra, shared: the same with two processes), and how much is broken.
FORM ?= embedded
SEED ?= 1
KILLS ?= 100
RECORDS ?= 500000
# Of prove-reload, whose KILLS are 20 unless they are given.
RELOADS ?= 50
PARALLELISM ?= 0
# Of bench.
ROUNDS ?= 3

.PHONY: build host plugins guests measure demo test bench bench-checkpoints bench-reloads bench-jobs bench-memory bench-poison bench-served bench-start prove-streams prove-jobs prove-reload soak clean wasm-target

build: host plugins

# Every program of the workspace at once: with parts of it, cargo would choose other features and build wasmtime again.
host:
	$(CARGO) build --locked --release --workspace --bins

# Crate by crate, as components alone: a crate that is also built as a library for others is not optimised as a whole.
plugins: wasm-target
	@for plugin in $(PLUGINS); do \
	    $(CARGO) rustc --locked --profile plugin --target wasm32-wasip2 -p $$plugin --crate-type cdylib || exit 1; done
	@mkdir -p $(TARGET)/plugins
	@for plugin in $(PLUGINS); do \
	    built="$(TARGET)/wasm32-wasip2/plugin/$$(echo $$plugin | tr - _).wasm" to="$(TARGET)/plugins/$$plugin.wasm"; \
	    cmp -s "$$built" "$$to" || cp "$$built" "$$to" || exit 1; done

# Plugins that misbehave or change, which only the tests run.
guests: wasm-target
	@if [ -f tests/guests/Makefile ]; then $(MAKE) -C tests/guests; fi

wasm-target:
	@if [ ! -d "$$(rustc --print sysroot)/lib/rustlib/wasm32-wasip2" ]; then \
	    rustup target add wasm32-wasip2 || { \
	    echo "Plugins are compiled for wasm32-wasip2, and rustup could not add this target to $$(rustc --version)."; \
	    echo "Add it as your installation of Rust wants it, then run make again."; exit 1; }; fi

# In the profile of the components: what runs natively is to be optimised as they are.
measure:
	$(CARGO) build --locked --profile plugin -p jackfield-tests --bin bench

# The example on 200,000 records, and what came out of it.
demo: build
	@$(TARGET)/release/demo

# Formatting, lints, unit tests, end-to-end tests, a crash test, licences, the documentation's commands.
test: build guests
	@tests/run

# Kills the host again and again, with FORM=kafka the servers too, and looks for damage, e.g. make prove-streams SEED=7 KILLS=500 RECORDS=1000000.
prove-streams: build
	@$(TARGET)/release/prove-streams --form $(FORM) --seed $(SEED) --kills $(KILLS) --records $(RECORDS) --parallelism $(PARALLELISM)

# Kills the host in the middle of jobs while the simulated platform has every fault, and counts what came of it, e.g. make prove-jobs SEED=7 KILLS=200.
prove-jobs: build
	@$(TARGET)/release/prove-jobs --seed $(SEED) --kills $(KILLS)

# Brings good and bad versions of a pipeline one after another under load, kills the host in the middle of it, and looks for damage, e.g. make prove-reload SEED=7 RELOADS=100 KILLS=40.
prove-reload: FORM = kafka
prove-reload: KILLS = 20
prove-reload: build guests
	@$(TARGET)/release/prove-reload --form $(FORM) --seed $(SEED) --reloads $(RELOADS) --kills $(KILLS)

# Speed and memory on 5 million records, beside Apache Flink where FLINK_DIR names its job.
bench: build measure
	@$(TARGET)/plugin/bench speed --rounds $(ROUNDS)

# Between Kafka and Cassandra, which it starts: records a second, CPU time by who uses it, checkpoints, recovery, latency.
bench-served: build
	@$(TARGET)/release/bench served

# What a checkpoint of 100,000 and of a million keys costs, and how long it takes to load them again.
bench-checkpoints: build
	@$(TARGET)/release/bench checkpoints

# For how long a pipeline of 100,000 keys stands still for a reload at 300,000 records a second; and what a thousand of them leave of memory.
bench-reloads: build
	@$(TARGET)/release/bench reloads
	@$(TARGET)/release/bench reloads --skew 1
	@$(TARGET)/release/bench reloads --keys 1000 --speed 10000 --reloads 1000

# Jobs a second, the journal, replays, ten thousand sleepers; and what a WebSocket carries.
bench-jobs: build guests
	@$(TARGET)/release/bench jobs
	@$(TARGET)/release/bench streams

# How long a host with 200 plugins takes to start.
bench-start: build
	@$(TARGET)/release/bench start

# What it takes to find the one record of a batch that a plugin fails on.
bench-poison: build guests
	@$(TARGET)/release/bench poison

# Ten minutes between Kafka and Cassandra with something broken every minute.
soak: build
	@$(TARGET)/release/bench soak

# Resident memory through 20 million records (8 GB of disk).
bench-memory: build measure
	@$(TARGET)/plugin/bench memory

clean:
	$(CARGO) clean
