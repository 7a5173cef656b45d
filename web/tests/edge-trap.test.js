/** A trap in the worker's WebAssembly: who waits is told, what served serves again, and no line of the log is lost. */

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { workerModules } from '../scripts/worker.mjs';
import { Collector, eventually, sha256, startEdge } from './support/edge.js';
import { bundles, checkRow } from './support/golden.js';
import { numbered } from './support/models.js';

const [boosting, regression] = bundles();
const [{ record }] = boosting.rows;

/** The worker's entry, and a path that marks the instance as wasm-bindgen does after a trap. */
const ENTRY = `
import shim from './shim.mjs';
import * as worker from './inference_edge.js';
export default {
  async fetch(request, env, context) {
    if (!request.url.endsWith('/trap')) return shim.fetch(request, env, context);
    const { memory, __instance_terminated: flag } = worker.initSync();
    new Int32Array(memory.buffer)[flag.value / 4] = 1;
    return new Response();
  },
};`;

let collector;
let edge;

before(async () => {
  collector = await new Collector().start();
  const modules = [{ type: 'ESModule', path: '/entry.mjs', contents: ENTRY }, ...workerModules(boosting.model)];
  edge = await startEdge(boosting.model, { modules, r2Buckets: ['MODELS'], bindings: { MODEL_CHECK_SECS: 0.05, COLLECTOR_URL: collector.url } });
  const store = await edge.miniflare.getR2Bucket('MODELS');
  const bytes = numbered(regression.model, 5);
  await store.put('model.onnx', bytes);
  await store.put('pointer.json', JSON.stringify({ format: 1, champion: { version: 5, file: 'model.onnx', sha256: sha256(bytes) } }));
  await eventually('version 5', async () => (await edge.get('/health')).body.version === 5);
});

after(async () => {
  await edge?.stop();
  await collector?.stop();
});

/** Asks `n` times; returns the ids that the answers name. */
async function ask(n) {
  const ids = [];
  for (let row = 0; row < n; row += 1) {
    const { status, body } = await edge.post('/predict', record);
    assert.deepEqual([status, body.model.version], [200, 5]);
    checkRow(body, regression.rows[0]);
    ids.push(body.id);
  }
  return ids;
}

/** A request whose body does not come to its end. */
function unfinished() {
  return new Promise((resolve, reject) => {
    const sending = request(`${edge.url}/predict`, { method: 'POST', headers: { 'content-length': 100 } }, (response) => {
      response.setEncoding('utf8').on('data', (text) => resolve({ status: response.statusCode, body: JSON.parse(text) }));
    });
    sending.on('error', reject);
    sending.write('{');
  });
}

describe('after a trap', () => {
  test('who waited is told, the model serves again, and every line arrives', async () => {
    await collector.stop();
    const ids = await ask(10);
    const waiting = unfinished();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await edge.get('/trap');
    ids.push(...(await ask(10)));
    const { status, body } = await waiting;
    assert.deepEqual([status, Object.keys(body)], [500, ['error', 'hint']]);
    await collector.start();
    await eventually('every line', () => collector.kept().size === ids.length, 30_000);
    assert.deepEqual([...collector.kept().values()].map((line) => line.id).sort(), ids.sort());
    await eventually('an empty buffer', async () => (await edge.get('/health')).body.log.waiting === 0);
    assert.deepEqual((await edge.get('/health')).body.log, { waiting: 0, dead: 0, lost: 0 });
  });
});
