# The front door. `make` lists what can be done here.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# josekit needs OpenSSL. The system's is used where pkg-config finds it; otherwise it is built from source, once.
ifeq ($(shell pkg-config --exists openssl 2>/dev/null && echo found),found)
export OPENSSL_NO_VENDOR := 1
endif

WITH_POSTGRES := e2e/postgres/with-postgres
CARGO_TEST := cargo test --workspace --no-fail-fast

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## Start the whole platform on the embedded database, for development
	cargo run --package orrery-server -- serve all --dev

.PHONY: test
test: setup ## Run every test, on SQLite and on PostgreSQL, the browser included
	@$(WITH_POSTGRES) e2e/tally bash -c 'failed=0; $(CARGO_TEST) || failed=1; e2e/run || failed=1; exit $$failed'

.PHONY: test-sqlite
test-sqlite: ## Run the Rust tests that need no PostgreSQL
	@e2e/tally $(CARGO_TEST) -- --skip postgres

.PHONY: test-postgres
test-postgres: setup ## Run the Rust tests of PostgreSQL
	@$(WITH_POSTGRES) e2e/tally $(CARGO_TEST) -- postgres

.PHONY: e2e
e2e: setup ## Run the black-box tests: the binary, both databases, Ory's clients, a browser
	cargo build --package orrery-server
	@$(WITH_POSTGRES) e2e/tally e2e/run

.PHONY: check
check: ## Check format, lints, repository rules
	cargo fmt --all --check
	cargo xtask check
	cargo clippy --workspace --all-targets -- --deny warnings

.PHONY: bench
bench: ## Measure requests per second, latency, CPU and memory, on both databases
	@e2e/setup bench
	cargo build --release --package orrery-server --package orrery-xtask
	@$(WITH_POSTGRES) e2e/bench/run

.PHONY: fmt
fmt: ## Format every Rust file
	cargo fmt --all

.PHONY: docs
docs: ## Write the generated references and build the API documentation
	cargo xtask generate
	cargo doc --workspace --no-deps

.PHONY: setup
setup: ## Install what the tests need: PostgreSQL, Chromium, Apache, npm and Python packages
	@e2e/setup
