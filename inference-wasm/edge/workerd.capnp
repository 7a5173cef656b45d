# Plain workerd, on a machine of one's own: `workerd serve workerd.capnp`, with build/ made by ../build.sh and a bundle put
# into it by preload.mjs. Environment variables of the same names set what is listed under `bindings`; ../README.md tells what they mean.
#
# Models and dead letters lie in folders: `workerd serve workerd.capnp --directory-path models=DIR --directory-path letters=DIR`.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  # Little lives from one request to the next, and what each leaves, workerd's own objects among it, is freed by a whole collection alone: early
  # and whole ones stop requests for a few milliseconds where late ones stop them for a tenth of a second, and take no more time in all.
  v8Flags = ["--gc-global", "--max-semi-space-size=2"],
  services = [
    (name = "main", worker = .tidemark),
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
    # pointer.json and what it names; publish.mjs puts them there. Read again every MODEL_CHECK_SECS.
    (name = "models", disk = (path = "models")),
    # Log lines that the collector did not take, as NDJSON.
    (name = "letters", disk = (path = "letters", writable = true)),
  ],
  sockets = [(name = "http", address = "*:8787", http = (), service = "main")],
);

const tidemark :Workerd.Worker = (
  modules = [
    (name = "shim.mjs", esModule = embed "build/shim.mjs"),
    (name = "keep.mjs", esModule = embed "build/keep.mjs"),
    (name = "request.mjs", esModule = embed "build/request.mjs"),
    (name = "trial.mjs", esModule = embed "build/trial.mjs"),
    (name = "inference_edge.js", esModule = embed "build/inference_edge.js"),
    (name = "inference_trial.js", esModule = embed "build/inference_trial.js"),
    (name = "worker_state.js", esModule = embed "build/worker_state.js"),
    (name = "inference_edge_bg.wasm", wasm = embed "build/inference_edge_bg.wasm"),
    (name = "model.onnx", data = embed "build/model.onnx"),
  ],
  bindings = [
    (name = "ASSETS", service = "models"),
    (name = "DEAD_LETTER_DISK", service = "letters"),
    (name = "COLLECTOR_URL", fromEnvironment = "COLLECTOR_URL"),
    (name = "COLLECTOR_KEY", fromEnvironment = "COLLECTOR_KEY"),
    (name = "API_KEYS", fromEnvironment = "API_KEYS"),
    (name = "CORS_ORIGINS", fromEnvironment = "CORS_ORIGINS"),
    (name = "MAX_BODY_BYTES", fromEnvironment = "MAX_BODY_BYTES"),
    (name = "MAX_ROWS", fromEnvironment = "MAX_ROWS"),
    (name = "MAX_STREAM_BYTES", fromEnvironment = "MAX_STREAM_BYTES"),
    (name = "TIMEOUT_MS", fromEnvironment = "TIMEOUT_MS"),
    (name = "MODEL_POINTER", fromEnvironment = "MODEL_POINTER"),
    (name = "MODEL_CHECK_SECS", fromEnvironment = "MODEL_CHECK_SECS"),
    (name = "LOG_SAMPLE", fromEnvironment = "LOG_SAMPLE"),
    (name = "LOG_MASK", fromEnvironment = "LOG_MASK"),
    (name = "LOG_RETRY_SECS", fromEnvironment = "LOG_RETRY_SECS"),
    (name = "LOG_BUFFER_LINES", fromEnvironment = "LOG_BUFFER_LINES"),
  ],
  compatibilityDate = "2026-04-01",
);
