# Loads a model in the worker's module, on the runtime that is to run it, for ../preload.mjs.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .loader)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);

const loader :Workerd.Worker = (
  modules = [
    (name = "loader.mjs", esModule = embed "loader.mjs"),
    (name = "inference_edge_bg.wasm", wasm = embed "inference_edge_bg.wasm"),
    (name = "model.onnx", data = embed "model.onnx"),
  ],
  compatibilityDate = "2026-04-01",
);
