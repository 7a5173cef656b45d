// The worker's entry: hands events to the Rust code, and answers in its place what a trap leaves without an answer.
//
// `build.sh` puts beside it what it imports, directly or not:
//   ./keep.mjs, ./request.mjs, ./trial.mjs
//                             ES modules, from js/
//   ./inference_edge.js       ES module, from wasm-bindgen; ./inference_trial.js is a copy of it, for an instance of its own
//   ./worker_state.js         ES module, of the crate `worker`
//   ./inference_edge_bg.wasm  CompiledWasm module
//   ./model.onnx              Data module, a bundle's model; whoever deploys puts it there
// Variables, secrets and bindings are described in ../README.md.

import wasm from './inference_edge_bg.wasm';
import * as worker from './inference_edge.js';
import { state } from './worker_state.js';

const FAILURE = { error: 'the worker failed', hint: 'the fault is in the worker or its model, not in the request' };

worker.initSync({ module: wasm });

/** How to end each request that waits for an answer. */
const inFlight = new Set();
const endAll = () => inFlight.forEach((end) => end());
// The crate `worker` notes here that it panics, and that there is a new instance, so that the one before it ended in whatever trap.
Object.defineProperty(state, 'criticalError', { set: endAll });
Object.defineProperty(state, 'instanceId', { get: () => 0, set: endAll });

export default {
  async fetch(request, env, context) {
    const response = await new Promise((resolve) => {
      const end = (response) => {
        inFlight.delete(end);
        resolve(response);
      };
      const fail = (error) => {
        console.error('a request failed:', error?.stack ?? error);
        end();
      };
      try {
        // Where there was a trap, this call begins with a new instance, and ends what waits for the one before.
        const answer = worker.fetch(request, env, context);
        inFlight.add(end);
        answer.then(end, fail);
      } catch (error) {
        fail(error);
      }
    });
    // Made here, as a response belongs to the request that is answered.
    return response ?? failed();
  },

  queue: (batch, env, context) => worker.queue(batch, env, context),
};

function failed() {
  return Response.json(FAILURE, { status: 500, headers: { 'access-control-allow-origin': '*' } });
}
