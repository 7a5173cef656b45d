# `make demo` and `make test` do everything; both begin with `make setup`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build demo test bench bench-page clean

CARGO_TARGET_DIR ?= $(CURDIR)/target
export CARGO_TARGET_DIR
BIN := $(CARGO_TARGET_DIR)/release

help:       ## List what there is to make
	@grep -E '^[a-z-]+: .*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

setup:      ## Get tools and libraries, all under .tools and web/node_modules
	@.ci/setup

build: setup ## Build the two programs, the WebAssembly modules and the page
	@cargo build --locked --release --bins
	@inference-wasm/build.sh
	@cd web && npm run --silent build

demo: build ## Train on the past, replay the months that follow, alert, retrain, report
	@BIN="$(BIN)" .ci/demo

test: setup ## Every test: Rust, WebAssembly, page in Chromium, worker on workerd, onnxruntime
	@.ci/test

bench: setup ## Our classifiers beside LightGBM, XGBoost, CatBoost and scikit-learn; QUICK=1 for a short run
	@trainer/benches/run $(if $(QUICK),--quick)

bench-page: build ## Our WebAssembly modules beside onnxruntime-web in one page, by the bundle that `make demo` left
	@cd inference-wasm/benches && npm ci --loglevel=error --no-fund --no-audit && TIDEMARK_HOME=$${TIDEMARK_HOME:-.demo} npm run --silent bench

clean:      ## Remove what was built; tools and data stay
	rm -rf "$(CARGO_TARGET_DIR)" web/dist inference-wasm/pkg inference-wasm/edge/build
