/** The edge worker on workerd: golden records, bad input, logging, a replaced model, and the script's own errors. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startWorker } from '../scripts/worker.mjs';
import { bundles, checkRow } from './support/golden.js';
import { text } from './support/site.js';

const all = bundles();
const [bundle] = all;
const SCRIPT = join(import.meta.dirname, '..', 'scripts', 'worker.mjs');

let collector;
let folder;
let model;
let worker;
let reloads = [];

before(async () => {
  collector = await startCollector();
  folder = mkdtempSync(join(tmpdir(), 'tidemark-worker-'));
  model = join(folder, 'model.onnx');
  copyFileSync(bundle.path, model);
  worker = await startWorker({ model, collector: collector.url, reloaded: (error) => reloads.push(error) });
});

after(async () => {
  await worker?.dispose();
  await collector?.close();
  if (folder) rmSync(folder, { recursive: true });
});

/** Keeps every line that is posted to it. */
async function startCollector() {
  const requests = [];
  const server = createServer(async (request, response) => {
    requests.push({ path: request.url, body: await text(request) });
    response.end('{}');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => new Promise((resolve) => server.close(resolve).closeAllConnections());
  return { url: `http://127.0.0.1:${server.address().port}`, requests, close };
}

async function post(body, path = '/predict') {
  const response = await fetch(worker.url + path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}

async function eventually(what, condition) {
  for (let waited = 0; waited < 10_000; waited += 50) {
    const value = await condition();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return assert.fail(`${what} did not happen within 10 s`);
}

/** Serves another model file and waits until it answers. */
async function replaceModel(source) {
  reloads = [];
  if (source instanceof Uint8Array) writeFileSync(model, source);
  else copyFileSync(source, model);
  await eventually('a reload', () => reloads.length > 0);
}

for (const [index, { name, path, rows }] of all.entries()) {
  describe(`${name} in the worker`, () => {
    before(() => (index === 0 ? undefined : replaceModel(path)));

    test('every golden record gets its golden probabilities', async () => {
      for (const row of rows) {
        const { status, body } = await post(row.record);
        assert.equal(status, 200);
        checkRow(body, row);
      }
    });

    test('many records in one request get the same answers', async () => {
      const { status, body } = await post({ records: rows.map((row) => row.record) });
      assert.equal(status, 200);
      assert.equal(body.predictions.length, rows.length);
      body.predictions.forEach((prediction, row) => checkRow(prediction, rows[row]));
    });

    after(() => (index === all.length - 1 && index > 0 ? replaceModel(bundle.path) : undefined));
  });
}

describe('bad input', () => {
  const [{ record }] = bundle.rows;
  const [numeric] = Object.keys(record).filter((name) => typeof record[name] === 'number');
  const [categorical] = Object.keys(record).filter((name) => typeof record[name] === 'string');
  const { [numeric]: _, ...withoutNumeric } = record;
  const nan = JSON.stringify({ ...record, [numeric]: 'here' }).replace('"here"', 'NaN');

  for (const [what, body, status, message] of [
    ['text that is not JSON', '{', 400, /not JSON/],
    ['an empty body', '', 400, /./],
    ['the literal NaN', nan, 400, /not JSON/],
    ['a number beyond float32', { ...record, [numeric]: 1e300 }, 400, /finite number/],
    ['a missing column', withoutNumeric, 400, new RegExp(`\`${numeric}\` is missing`)],
    ['an unknown column', { ...record, colour: 'blue' }, 400, /a column that the model does not know/],
    ['a text for a number', { ...record, [numeric]: '41' }, 400, new RegExp(`\`${numeric}\` expects a number`)],
    ['a number for a text', { ...record, [categorical]: 3 }, 400, new RegExp(`\`${categorical}\` expects a text`)],
  ]) {
    test(`${what} is answered with ${status} and a hint`, async () => {
      const answer = await post(body);
      assert.equal(answer.status, status, JSON.stringify(answer.body));
      assert.match(answer.body.error, message);
      assert.ok(answer.body.hint.length > 0);
    });
  }

  test('a text of 10 MB is answered with 413 and a hint', async () => {
    const answer = await post({ ...record, [categorical]: 'x'.repeat(10_000_000) });
    assert.equal(answer.status, 413);
    assert.match(answer.body.error, /bytes/);
    assert.ok(answer.body.hint.length > 0);
  });

  test('a level that training never saw is scored and flagged', async () => {
    const { status, body } = await post({ ...record, [categorical]: 'never heard of' });
    assert.equal(status, 200);
    assert.deepEqual(body.flags, [{ kind: 'unseen-level', column: categorical, value: 'never heard of' }]);
  });

  test('a bad row does not fail the rows beside it', async () => {
    const { status, body } = await post([record, withoutNumeric, record]);
    assert.equal(status, 200);
    assert.equal(body.n_refused, 1);
    assert.match(body.predictions[1].error, /is missing/);
    checkRow(body.predictions[2], bundle.rows[0]);
  });

  test('another path is 404, another method 405', async () => {
    assert.equal((await fetch(`${worker.url}/nowhere`)).status, 404);
    assert.equal((await fetch(`${worker.url}/predict`)).status, 405);
  });
});

describe('logging', () => {
  test('each prediction reaches the collector as a line of NDJSON', async () => {
    collector.requests.length = 0;
    const { body } = await post(bundle.rows.slice(0, 3).map((row) => row.record));
    const lines = await eventually('a post to the collector', () => collector.requests.flatMap((request) => request.body.trim().split('\n')).length === 3 && collector.requests);
    assert.ok(lines.every((request) => request.path === '/v1/predictions'));
    const records = lines.flatMap((request) => request.body.trim().split('\n')).map((line) => JSON.parse(line));
    for (const [index, record] of records.entries()) {
      checkRow(record, bundle.rows[index]);
      assert.deepEqual([record.format, record.source, record.id], [1, 'edge', body.predictions[index].id]);
      assert.deepEqual(record.features, bundle.rows[index].record);
    }
  });
});

describe('the model file', () => {
  test('that is cut off is answered with 500 and the reason, and a good one heals it', async () => {
    await replaceModel(bundle.model.slice(0, bundle.model.length / 2));
    const broken = await post(bundle.rows[0].record);
    assert.ok(broken.status >= 500, String(broken.status));
    assert.ok(broken.body.error.length > 0 && broken.body.hint.length > 0);
    await replaceModel(bundle.path);
    const healed = await post(bundle.rows[0].record);
    checkRow(healed.body, bundle.rows[0]);
  });
});

describe('the script', () => {
  for (const [what, args, message] of [
    ['a port in use', () => ['--port', new URL(worker.url).port, '--model', bundle.path], /error: port \d+ is in use\nhint: .*--port 0/],
    ['a missing model', () => ['--port', '0', '--model', 'nowhere.onnx'], /error: there is no model at nowhere\.onnx \(ENOENT\)\nhint: .*trainer run/],
    ['an unknown option', () => ['--colour'], /error: .*--colour.*\nhint: .*--help/],
  ]) {
    test(`says what is wrong with ${what}, and ends with 2`, async () => {
      const { code, stderr } = await runScript(args());
      assert.match(stderr, message);
      assert.equal(code, 2);
    });
  }

  test('says in one line when it is ready, and stops when told', async () => {
    const child = spawn(process.execPath, [SCRIPT, '--port', '0', '--model', bundle.path]);
    const ended = new Promise((resolve) => child.once('close', resolve));
    let stdout = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    await eventually('readiness', () => stdout.includes('\n'));
    assert.match(stdout, /^worker ready on http:\/\/127\.0\.0\.1:\d+ with .*model\.onnx\n$/);
    const [url] = /http:\S+/.exec(stdout);
    assert.equal((await fetch(`${url}/health`)).status, 200);
    child.kill('SIGTERM');
    await ended;
    await eventually('the end of workerd', () => fetch(`${url}/health`).then(() => false, () => true));
  });
});

async function runScript(args) {
  const child = spawn(process.execPath, [SCRIPT, ...args]);
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const code = await new Promise((resolve) => child.once('close', resolve));
  return { code, stderr };
}
