/** Who may ask the worker, how often, how long a body may be and take. */

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { startEdge } from './support/edge.js';
import { bundles, checkRow } from './support/golden.js';

const [bundle] = bundles();
const [{ record }] = bundle.rows;
const KEYS = ['a-key-of-twenty-char', 'another-key-of-these'];

/** Runs a test against a worker with some options. */
async function withEdge(options, run) {
  const edge = await startEdge(bundle.model, options);
  try {
    await run(edge);
  } finally {
    await edge.stop();
  }
}

describe('keys', () => {
  test('let their holders in, by either header, and nobody else but to health', () =>
    withEdge({ bindings: { API_KEYS: KEYS.join(' ') } }, async (edge) => {
      for (const headers of [{ authorization: `Bearer ${KEYS[0]}` }, { 'x-api-key': KEYS[1] }]) {
        const { status, body } = await edge.post('/predict', record, headers);
        assert.equal(status, 200);
        checkRow(body, bundle.rows[0]);
      }
      for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: KEYS[0] }, { 'x-api-key': `${KEYS[0]}x` }]) {
        const answer = await edge.post('/predict', record, headers);
        assert.deepEqual([answer.status, answer.headers.get('www-authenticate')], [401, 'Bearer']);
        assert.ok(answer.body.hint);
      }
      for (const path of ['/model', '/openapi.json', '/v2']) assert.equal((await edge.get(path)).status, 401, path);
      for (const path of ['/health', '/v2/health/live', '/v2/health/ready']) assert.equal((await edge.get(path)).status, 200, path);
    }));

  test('that are too short make the worker refuse everyone, and say why', () =>
    withEdge({ bindings: { API_KEYS: 'short' } }, async (edge) => {
      const answer = await edge.post('/predict', record, { 'x-api-key': 'short' });
      assert.equal(answer.status, 500);
      assert.match(answer.body.error, /API_KEYS/);
      assert.match((await edge.get('/health')).body.error, /API_KEYS/);
    }));
});

describe('origins', () => {
  const ORIGIN = 'https://page.example';

  test('that are listed may call, and others may not', () =>
    withEdge({ bindings: { CORS_ORIGINS: `${ORIGIN}, http://localhost:5173` } }, async (edge) => {
      const allowed = async (origin) => (await edge.get('/health', { origin })).headers.get('access-control-allow-origin');
      assert.equal(await allowed(ORIGIN), ORIGIN);
      assert.equal(await allowed('https://other.example'), null);
      const preflight = await fetch(`${edge.url}/predict`, { method: 'OPTIONS', headers: { origin: ORIGIN, 'access-control-request-method': 'POST' } });
      assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-origin')], [204, ORIGIN]);
      assert.match(preflight.headers.get('access-control-allow-headers'), /authorization.*x-api-key/);
    }));

  test('are free where none are listed', () =>
    withEdge({}, async (edge) => {
      const answer = await edge.post('/predict', '{', { origin: ORIGIN });
      assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    }));
});

describe('rates and times', () => {
  test('requests beyond the rate are answered with 429', () =>
    withEdge({ ratelimits: { RATE_LIMIT: { simple: { limit: 3, period: 60 } } } }, async (edge) => {
      const statuses = [];
      for (let n = 0; n < 5; n += 1) statuses.push((await edge.post('/predict', record)).status);
      assert.deepEqual(statuses, [200, 200, 200, 429, 429]);
      const answer = await edge.post('/predict', record);
      assert.ok(answer.body.hint && answer.headers.get('retry-after'));
      assert.equal((await edge.get('/health')).status, 200);
    }));

  test('a body that does not arrive in time is answered with 408, however long it is to be', () =>
    withEdge({ bindings: { TIMEOUT_MS: 200 } }, async (edge) => {
      for (const length of [100, 200_000]) {
        assert.match(await unfinished(edge, `content-length: ${length}`), /^HTTP\/1\.1 408/, length);
      }
      assert.match(await unfinished(edge, 'transfer-encoding: chunked', '1\r\n{\r\n'), /^HTTP\/1\.1 408/);
      assert.equal((await edge.post('/predict', record)).status, 200);
    }));

  test('a stranger is not asked for a body that does not arrive', () =>
    withEdge({ bindings: { TIMEOUT_MS: 200, API_KEYS: KEYS[0] } }, async (edge) => {
      for (const length of [100, 200_000]) {
        assert.match(await unfinished(edge, `content-length: ${length}`), /^HTTP\/1\.1 401/, length);
      }
    }));
});

/** What is answered to a body of which only the first byte arrives; `header` tells its length. */
async function unfinished(edge, header, first = '{') {
  const { hostname, port } = new URL(edge.url);
  const socket = connect(Number(port), hostname);
  socket.write(`POST /predict HTTP/1.1\r\nhost: x\r\n${header}\r\n\r\n${first}`);
  try {
    return await Promise.race([
      new Promise((resolve) => socket.once('data', (data) => resolve(String(data)))),
      new Promise((resolve) => setTimeout(resolve, 5000, 'no answer')),
    ]);
  } finally {
    socket.destroy();
  }
}

describe('without a model that works', () => {
  test('every kind of request is refused, and health says why', async () => {
    const edge = await startEdge(new TextEncoder().encode('no model'));
    try {
      for (const headers of [{}, { 'content-type': 'application/x-ndjson' }]) {
        const { status, body } = await edge.post('/predict', record, headers);
        assert.equal(status, 503);
        assert.match(body.error, /not ONNX/);
      }
      for (const path of ['/health', '/model', '/openapi.json', '/v2/health/ready']) assert.equal((await edge.get(path)).status, 503, path);
      assert.equal((await edge.get('/v2/health/live')).status, 200);
    } finally {
      await edge.stop();
    }
  });
});
