/** The worker's log: nothing is lost while the collector is down, and what cannot be sent is kept for later. */

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Collector, eventually, startEdge } from './support/edge.js';
import { bundles } from './support/golden.js';

const [bundle] = bundles();
const records = bundle.rows.map((row) => row.record);
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let edge;
let collector;

before(async () => {
  collector = await new Collector().start();
});

after(() => collector?.stop());

afterEach(async () => {
  await edge?.stop();
  edge = undefined;
  collector.lines.length = 0;
});

/** Asks `n` times, eight at once; returns every id that an answer named. */
async function ask(n, prefix) {
  const ids = [];
  let next = 0;
  const one = async () => {
    while (next < n) {
      const id = `${prefix}-${next++}`;
      const { status, body } = await edge.post('/predict', records[next % records.length], { 'x-request-id': id });
      assert.equal(status, 200);
      ids.push(body.id);
    }
  };
  await Promise.all(Array.from({ length: 8 }, one));
  return ids;
}

describe('a collector', () => {
  test('is sent its key, where it has one', async () => {
    edge = await startEdge(bundle.model, { bindings: { COLLECTOR_URL: collector.url, COLLECTOR_KEY: 'correct-horse-battery' } });
    await ask(1, 'keyed');
    await eventually('the line', () => collector.kept().size === 1);
    assert.equal(collector.key, 'correct-horse-battery');
    await edge.stop();
    edge = await startEdge(bundle.model, { bindings: { COLLECTOR_URL: collector.url } });
    await ask(1, 'open');
    await eventually('the line', () => collector.kept().size === 2);
    assert.equal(collector.key, undefined);
  });

  test('that is down for a while misses nothing, and answers come as quickly as ever', async () => {
    edge = await startEdge(bundle.model, { bindings: { COLLECTOR_URL: collector.url, LOG_RETRY_SECS: 30 } });
    const ids = await ask(100, 'before');
    await collector.stop();
    const begun = Date.now();
    ids.push(...(await ask(300, 'down')));
    assert.ok(Date.now() - begun < 10_000, 'answers waited for the log');
    await wait(3000);
    assert.ok((await edge.get('/health')).body.log.waiting > 0);
    await collector.start();
    ids.push(...(await ask(100, 'after')));
    await eventually('every line', () => collector.kept().size === ids.length, 30_000);
    assert.deepEqual([...collector.kept().values()].map((line) => line.id).sort(), ids.sort());
    await eventually('an empty buffer', async () => (await edge.get('/health')).body.log.waiting === 0);
    const { log, status } = (await edge.get('/health')).body;
    assert.deepEqual([status, log], ['ok', { waiting: 0, dead: 0, lost: 0 }]);
  });

  test('that stays down leaves its lines to the dead letters', async () => {
    const nowhere = `http://127.0.0.1:1`;
    edge = await startEdge(bundle.model, { r2Buckets: ['DEAD_LETTERS'], bindings: { COLLECTOR_URL: nowhere, LOG_RETRY_SECS: 0.5, LOG_BUFFER_LINES: 50 } });
    const ids = await ask(200, 'dead');
    await eventually('dead letters', async () => (await edge.get('/health')).body.log.dead === ids.length);
    const lines = await linesIn(await edge.miniflare.getR2Bucket('DEAD_LETTERS'));
    assert.deepEqual(lines.map((line) => line.id).sort(), ids.sort());
  });

  test('that stays down, with no place for dead letters, makes health say what is lost', async () => {
    edge = await startEdge(bundle.model, { bindings: { COLLECTOR_URL: 'http://127.0.0.1:1', LOG_RETRY_SECS: 0 } });
    await ask(3, 'lost');
    const { body } = await eventually('a loss', async () => {
      const health = await edge.get('/health');
      return health.body.log.lost === 3 && health;
    });
    assert.equal(body.status, 'degraded');
  });

  test('gets a sample, and null for masked columns', async () => {
    const [masked] = Object.keys(records[0]);
    edge = await startEdge(bundle.model, { bindings: { COLLECTOR_URL: collector.url, LOG_SAMPLE: 0.5, LOG_MASK: masked } });
    await ask(200, 'sampled');
    await wait(500);
    assert.ok(collector.lines.length > 60 && collector.lines.length < 140, String(collector.lines.length));
    assert.ok(collector.lines.every((line) => line.features[masked] === null));
  });
});

describe('a queue', () => {
  const queued = (more) => ({
    queueProducers: { LOG_QUEUE: { queueName: 'log' } },
    queueConsumers: { log: { maxBatchSize: 100, maxBatchTimeout: 0.2, maxRetries: 20, retryDelay: 0 } },
    ...more,
  });

  test('is emptied into the bucket, in the layout of the log', async () => {
    edge = await startEdge(bundle.model, queued({ r2Buckets: ['LOGS'] }));
    const ids = await ask(100, 'queued');
    const { status, body } = await edge.post('/predict', Array(500).fill(records[0]));
    assert.equal(status, 200);
    ids.push(...body.predictions.map((prediction) => prediction.id));
    const bucket = await edge.miniflare.getR2Bucket('LOGS');
    const lines = await eventually('every line', async () => {
      const lines = await linesIn(bucket);
      return lines.length >= ids.length && lines;
    });
    assert.deepEqual(lines.map((line) => line.id).sort(), ids.sort());
    const day = new Date().toISOString().slice(0, 10);
    for (const { key } of (await bucket.list()).objects) assert.match(key, new RegExp(`^predictions/dt=${day}/model_version=\\d+/part-[0-9a-f]{12}\\.ndjson$`));
  });

  test('waits for a collector that is down', async () => {
    edge = await startEdge(bundle.model, queued({ bindings: { COLLECTOR_URL: collector.url } }));
    await collector.stop();
    const ids = await ask(50, 'waiting');
    await wait(1000);
    await collector.start();
    await eventually('every line', () => collector.kept().size === ids.length, 30_000);
  });
});

async function linesIn(bucket) {
  const { objects } = await bucket.list();
  const texts = await Promise.all(objects.map(async ({ key }) => (await bucket.get(key)).text()));
  return texts.flatMap((text) => text.trimEnd().split('\n')).map((line) => JSON.parse(line));
}
