#!/usr/bin/env bash
# Builds the npm package (inference-wasm/pkg), which holds a small module (lite) and one for any model (full), and the worker
# (inference-wasm/edge/build).
# A second run with nothing changed takes a moment. Honours CARGO_TARGET_DIR.
set -euo pipefail
cd "$(dirname "$0")/.."

target=wasm32-unknown-unknown
export RUSTFLAGS='--cfg getrandom_backend="wasm_js"'

fail() { printf 'error: %s\nhint: %s\n' "$1" "$2" >&2; exit 2; }

# The toolchain at hand when it has the target, or rustup can add it; else Debian's, which builds the standard library from source.
has_target() {
    [ -d "$(rustc --print sysroot 2>/dev/null)/lib/rustlib/$target" ] && return
    command -v rustup >/dev/null && [ ! -f .tools/no-rustup-target ] && rustup target add "$target" >/dev/null 2>&1
}

# `build OPTION...` runs cargo with the toolchain that has the target.
build() {
    if has_target; then
        cargo build --quiet --locked --target "$target" "$@"
    elif [ -x /usr/bin/cargo ] && [ -d /usr/lib/rustlib/src ]; then
        PATH="/usr/bin:$PATH" RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc \
            /usr/bin/cargo build --quiet --locked --target "$target" -Zbuild-std=std,panic_abort "$@"
    else
        fail "there is no Rust toolchain for $target" "run \`rustup target add $target\`, or install Debian's rustc-web, cargo-web and rust-web-src"
    fi
}

# `build_page FLAGS SIZE_FLAGS OPTION...` builds a module of the page. It comes with a standard library that is made for size and without the
# words of panics, where the toolchain has the sources; else with its own, without SIZE_FLAGS, and is a fifth larger. Such a panic is a trap.
build_page() {
    local flags="$RUSTFLAGS $1 --cfg sha2_backend=\"soft\" --cfg sha2_backend_soft=\"compact\""
    if [ -d "$(rustc --print sysroot 2>/dev/null)/lib/rustlib/src/rust/library" ] && has_target; then
        RUSTC_BOOTSTRAP=1 RUSTFLAGS="$flags -Zunstable-options -Cpanic=immediate-abort -Zlocation-detail=none $2" \
            cargo build --quiet --locked --target "$target" -Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size "${@:3}"
    else
        echo "build.sh: no sources of the standard library (rustup component add rust-src): the page's modules will be larger" >&2
        RUSTFLAGS="$flags" build "${@:3}"
    fi
}

# Bindings without comments and long names; their types keep both.
minify() {
    local esbuild=web/node_modules/.bin/esbuild
    if [ -x "$esbuild" ]; then
        "$esbuild" "$1" --minify --format=esm --log-level=warning --allow-overwrite --outfile="$1"
    else
        echo "build.sh: no esbuild in web/node_modules (npm ci there): $1 stays as it is" >&2
    fi
}

# The command line tool must be of the very version of the library.
bindgen() {
    local version tool
    version=$(grep -A1 '^name = "wasm-bindgen"$' Cargo.lock | sed -n 's/^version = "\(.*\)"$/\1/p')
    for tool in .tools/bin/wasm-bindgen wasm-bindgen; do
        if [ "$("$tool" --version 2>/dev/null || true)" = "wasm-bindgen $version" ]; then
            "$tool" --target web --remove-name-section "$@"
            return
        fi
    done
    fail "wasm-bindgen $version is missing" "run \`cargo install wasm-bindgen-cli --version $version --root .tools\`"
}

# `bindings CRATE PROFILE FOLDER [OPTION...]` writes FOLDER unless it is newer than what it is made from.
bindings() {
    local wasm="${CARGO_TARGET_DIR:-target}/$target/$2/$1.wasm" folder=$3
    if [ ! "$folder/${1}_bg.wasm" -nt "$wasm" ] || [ inference-wasm/build.sh -nt "$folder/${1}_bg.wasm" ]; then
        mkdir -p "$folder"
        bindgen --out-dir "$folder" "${@:4}" "$wasm"
        case $folder in */pkg/*) minify "$folder/$1.js" ;; esac
        touch "$folder/${1}_bg.wasm"
    fi
}

# The parts of the npm package that are written by hand, under the workspace's version.
package() {
    local version folder pkg=inference-wasm/pkg
    version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
    sed "s/\"version\": \"0.0.0\"/\"version\": \"$version\"/" inference-wasm/npm/package.json >$pkg/package.json
    for folder in lite full; do cp inference-wasm/npm/node.js inference-wasm/npm/workerd.js $pkg/$folder/; done
    cp -r inference-wasm/npm/README.md inference-wasm/npm/examples LICENSE $pkg/
}

# The worker's bindings as they are deployed. wasm-bindgen puts the worker crate's only snippet under a path with a hash; deployments list modules
# by name. New models are tried in an instance that goes by a copy of the bindings. Both wake Rust's futures by a promise: workerd's own
# `queueMicrotask` costs some 8 µs a call.
worker_modules() {
    local folder=$1 snippet
    for snippet in "$folder"/snippets/worker-*/inline0.js; do
        sed -i "s#\./snippets/worker-[0-9a-f]*/inline0\.js#./worker_state.js#" "$folder/inference_edge.js"
        cp "$snippet" "$folder/worker_state.js"
    done
    grep -q '^const settled' "$folder/inference_edge.js" ||
        sed -i '1i const settled = Promise.resolve();\nconst queueMicrotask = (task) => void settled.then(task);' "$folder/inference_edge.js"
    sed "s#^import { state } from './worker_state.js';#const state = {};#" "$folder/inference_edge.js" >"$folder/inference_trial.js"
    minify "$folder/inference_edge.js"
    minify "$folder/inference_trial.js"
    rm -r "$folder/snippets"
}

# One cargo run each: in one, the small modules would get the features of the others. EDGE_FEATURES=tract builds the worker for any ONNX file.
# The small module has vector instructions, as browsers have since 2023, and Node, and workerd.
build_page "-C target-feature=+simd128" "" --profile wasm-lite -p inference-wasm
build --profile wasm-edge -p inference-edge ${EDGE_FEATURES:+--features "$EDGE_FEATURES"}
# tract's errors do without what Rust's `Debug` would add, and its functions are put into one another once, by the linker.
build_page "" "-Zfmt-debug=none -Zinline-mir=no" --profile wasm -p inference-wasm --features inference-wasm/tract
bindings inference_wasm wasm-lite inference-wasm/pkg/lite
bindings inference_wasm wasm inference-wasm/pkg/full
package
# After a trap the worker's module is made anew at the next call.
edge=inference-wasm/edge/build
bindings inference_edge wasm-edge $edge --no-typescript --experimental-reset-state-function --force-enable-abort-handler
[ ! -d $edge/snippets ] || worker_modules $edge
cp inference-wasm/edge/js/*.mjs $edge/
