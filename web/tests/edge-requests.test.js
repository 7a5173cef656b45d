/** What the worker answers: its document, explanations, streams, the Open Inference Protocol, and what it refuses. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv2020 from 'ajv/dist/2020.js';
import { withBackground } from './support/background.js';
import { startEdge } from './support/edge.js';
import { bundles, checkProbabilities, checkRow } from './support/golden.js';

const PACKAGE = join(import.meta.dirname, '..', '..', 'inference-wasm', 'pkg', 'lite');
const [bundle] = bundles();
const [{ record }] = bundle.rows;
const records = bundle.rows.map((row) => row.record);
const columns = Object.keys(record);
const NDJSON = { 'content-type': 'application/x-ndjson' };

let edge;
let model;

before(async () => {
  edge = await startEdge(bundle.model, { bindings: { MAX_ROWS: 50, MAX_BODY_BYTES: 20_000, MAX_STREAM_BYTES: 400_000 } });
  ({ body: model } = await edge.get('/model'));
});

after(() => edge?.stop());

describe('the OpenAPI document', () => {
  let schema;

  before(async () => {
    const { body } = await edge.get('/openapi.json');
    const checked = await new Validator().validate(structuredClone(body));
    assert.ok(checked.valid, JSON.stringify(checked.errors));
    const ajv = new Ajv2020({ strict: false });
    ajv.addSchema(body, 'api');
    schema = (name, value) => {
      const validate = ajv.getSchema(`api#/components/schemas/${name}`);
      return validate(value) ? undefined : JSON.stringify(validate.errors);
    };
  });

  test('is valid, and names every path', async () => {
    const { body } = await edge.get('/openapi.json');
    assert.equal(body.openapi, '3.1.0');
    for (const path of ['/predict', '/model', '/health', '/v2', '/v2/health/ready', '/v2/models/{name}/versions/{version}/infer']) assert.ok(body.paths[path], path);
  });

  test('describes golden records, answers and refusals as they are', async () => {
    for (const each of records) assert.equal(schema('Record', each), undefined);
    assert.ok(schema('Record', { ...record, colour: 'blue' }));
    assert.equal(schema('Prediction', (await edge.post('/predict', record)).body), undefined);
    assert.equal(schema('Predictions', (await edge.post('/predict', records)).body), undefined);
    assert.equal(schema('Error', (await edge.post('/predict', '{')).body), undefined);
    assert.equal(schema('InferRequest', named(records)), undefined);
    assert.equal(schema('InferAnswer', (await edge.post(infer(), named(records))).body), undefined);
    const { body } = await edge.post('/predict', [record, {}]);
    assert.equal(schema('Refused', body.predictions[1]), undefined);
  });

  test('describes explanations as they are', async () => {
    const explaining = await startEdge(await explainable(bundle.model));
    const { body } = await explaining.post('/predict?explain=1', record);
    await explaining.stop();
    assert.equal(schema('Prediction', body), undefined);
    assert.ok(schema('Prediction', { ...body, explanation: { ...body.explanation, scale: 'points' } }));
  });
});

/** A golden model with a background. */
async function explainable(model) {
  const { Predictor, initSync } = await import(join(PACKAGE, 'inference_wasm.js'));
  initSync({ module: readFileSync(join(PACKAGE, 'inference_wasm_bg.wasm')) });
  return withBackground(model, new Predictor(model).contract());
}

/** Whether an explanation adds up to its prediction. */
function checkExplained({ explanation, probabilities }, row) {
  const { base, value, base_probability, probability, contributions } = explanation;
  const sum = (name) => contributions.reduce((total, contribution) => total + contribution[name], 0);
  checkProbabilities(probabilities, row);
  assert.deepEqual(contributions.map(({ column }) => column), Object.keys(row.record));
  assert.ok(contributions.some(({ contribution }) => contribution !== 0));
  assert.ok(Math.abs(sum('contribution') - (value - base)) < 1e-4, JSON.stringify(explanation));
  assert.ok(Math.abs(sum('points') - (probability - base_probability)) < 1e-4, JSON.stringify(explanation));
  assert.ok(Math.abs(probability - probabilities[explanation.class]) < 1e-6, JSON.stringify(explanation));
}

for (const { name, model, rows } of bundles()) {
  describe(`explanations of ${name}`, () => {
    const list = rows.slice(0, 20).map((row) => row.record);
    let explaining;

    before(async () => {
      explaining = await startEdge(await explainable(model));
    });

    after(() => explaining?.stop());

    test('add up to the prediction, of one record and of a list', async () => {
      checkExplained((await explaining.post('/predict?explain=1', list[0])).body, rows[0]);
      const { body } = await explaining.post('/predict?explain=true', { records: [...list, {}] });
      assert.deepEqual([body.predictions.length, body.n_refused], [21, 1]);
      list.forEach((_, row) => checkExplained(body.predictions[row], rows[row]));
    });

    test('are left out unless they are asked for', async () => {
      for (const path of ['/predict', '/predict?explain=0', '/predict?explain=false', '/predict?other=1']) {
        const { status, body } = await explaining.post(path, list[0]);
        assert.deepEqual([status, 'explanation' in body], [200, false], path);
      }
    });

    test('are given for a hundred records, and no more', async () => {
      const many = (n) => Array(n).fill(list[0]);
      const { body } = await explaining.post('/predict?explain=1', many(100));
      assert.ok(body.predictions.every(({ explanation }) => explanation));
      assert.equal((await explaining.post('/predict', many(101))).status, 200);
      await checkRefused(explaining.post('/predict?explain=1', many(101)), /101 records/);
    });

    test('are refused for a stream, and for another value', async () => {
      await checkRefused(explaining.post('/predict?explain=1', `${JSON.stringify(list[0])}\n`, NDJSON), /stream/);
      for (const value of ['', '2', 'yes']) await checkRefused(explaining.post(`/predict?explain=${value}`, list[0]), /explain/);
    });
  });
}

test('a model without a background is not explained, with what to do about it', async () => {
  await checkRefused(edge.post('/predict?explain=1', record), /no background/);
  await checkRefused(edge.post('/predict?explain=1', [record, record]), /no background/);
  assert.equal((await edge.post('/predict', record)).status, 200);
});

async function checkRefused(answered, message) {
  const { status, body, text } = await answered;
  assert.equal(status, 400, text);
  assert.match(body.error, message);
  assert.ok(body.hint.length > 0);
}

describe('a stream of lines', () => {
  test('is answered line by line, in order', async () => {
    const { status, headers, text } = await edge.post('/predict', records.map((each) => JSON.stringify(each)).join('\n'), { ...NDJSON, 'x-request-id': 'stream' });
    assert.deepEqual([status, headers.get('content-type')], [200, NDJSON['content-type']]);
    const answers = text.trimEnd().split('\n').map((line) => JSON.parse(line));
    assert.equal(answers.length, records.length);
    answers.forEach((answer, row) => {
      checkRow(answer, bundle.rows[row]);
      assert.equal(answer.id, `stream-${row}`);
    });
  });

  test('is answered while it is still being sent', async () => {
    const { readable, writable } = new TransformStream();
    const writer = writable.getWriter();
    const write = (text) => writer.write(new TextEncoder().encode(text));
    const line = JSON.stringify(record);
    write(`${line}\n${line.slice(0, 10)}`);
    const response = await fetch(`${edge.url}/predict`, { method: 'POST', headers: NDJSON, body: readable, duplex: 'half' });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    checkRow(JSON.parse((await reader.read()).value), bundle.rows[0]);
    write(`${line.slice(10)}\n{"cut`);
    checkRow(JSON.parse((await reader.read()).value), bundle.rows[0]);
    await writer.close();
    const last = JSON.parse((await reader.read()).value);
    assert.deepEqual([last.row, typeof last.hint], [2, 'string']);
    assert.equal((await reader.read()).done, true);
  });

  test('longer than is allowed ends with a line that says so', async () => {
    const { text } = await edge.post('/predict', `${JSON.stringify(record)}\n`.repeat(6000), NDJSON);
    const last = JSON.parse(text.trimEnd().split('\n').at(-1));
    assert.match(last.error, /bytes/);
  });

  test('a line longer than a body ends it, with a line that says so', async () => {
    const { text } = await edge.post('/predict', 'x'.repeat(100_000), NDJSON);
    assert.match(JSON.parse(text).error, /more than 20000 bytes/);
  });
});

function infer() {
  return `/v2/models/${model.name}/infer`;
}

/** One tensor a column. */
function named(rows) {
  const tensor = (name) => ({ name, shape: [rows.length], datatype: typeof record[name] === 'number' ? 'FP64' : 'BYTES', data: rows.map((row) => row[name]) });
  return { id: 'mine', inputs: columns.map(tensor) };
}

/** The tensor that the graph takes. */
function features(rows) {
  const feature = (name, value) => {
    const { anyOf } = model.contract.properties[name];
    return anyOf && value !== null ? anyOf[0].enum.indexOf(value) : value;
  };
  const data = rows.flatMap((row) => columns.map((name) => feature(name, row[name])));
  return { inputs: [{ name: 'features', shape: [rows.length, columns.length], datatype: 'FP32', data }] };
}

describe('the Open Inference Protocol', () => {
  test('tells server, readiness and the model', async () => {
    assert.equal((await edge.get('/v2')).body.name, 'tidemark');
    for (const path of ['/v2/health/live', '/v2/health/ready', `/v2/models/${model.name}/ready`, `/v2/models/${model.name}/versions/${model.version}/ready`]) {
      assert.equal((await edge.get(path)).status, 200, path);
    }
    const { body } = await edge.get(`/v2/models/${model.name}`);
    assert.deepEqual(body.inputs.map((input) => input.name), columns);
    assert.deepEqual(body.versions, [String(model.version)]);
  });

  for (const [what, inputs] of [['one tensor a column', named], ['the tensor `features`', features]]) {
    test(`answers ${what} with the golden probabilities`, async () => {
      const { status, body } = await edge.post(infer(), inputs(records));
      assert.equal(status, 200, JSON.stringify(body));
      const [labels, probabilities] = body.outputs;
      const classes = Object.keys(bundle.rows[0].probabilities);
      assert.deepEqual([labels.shape, probabilities.shape], [[records.length], [records.length, classes.length]]);
      bundle.rows.forEach((row, index) => {
        assert.equal(labels.data[index], row.label);
        checkProbabilities(Object.fromEntries(classes.map((name, at) => [name, probabilities.data[index * classes.length + at]])), row);
      });
    });
  }

  test('refuses another model, another version, and what is no request', async () => {
    assert.equal((await edge.post('/v2/models/other/infer', named(records))).status, 404);
    assert.equal((await edge.post(`/v2/models/${model.name}/versions/4000/infer`, named(records))).status, 404);
    for (const body of ['', '{', '[]', '{}', { inputs: [] }, { inputs: [{ ...named(records).inputs[0], shape: [1e9] }] }, { id: 'a b', ...features(records), id: 'a b' }]) {
      const answer = await edge.post(infer(), body);
      assert.ok([400, 413].includes(answer.status) && answer.body.error && answer.body.hint, answer.text);
    }
  });
});

describe('what is refused', () => {
  const SECRET = 'geheim-4711';
  const [numeric] = columns.filter((name) => typeof record[name] === 'number');
  const deep = `${'['.repeat(9000)}${']'.repeat(9000)}`;

  for (const [what, path, body, status] of [
    ['a text for a number', '/predict', { ...record, [numeric]: SECRET }, 400],
    ['an unknown column', '/predict', { ...record, [SECRET]: 1 }, 400],
    ['text that is not JSON', '/predict', SECRET, 400],
    ['deep nesting', '/predict', deep, 400],
    ['a number of a thousand digits', '/predict', JSON.stringify(record).replace(/:\d+/, `:${'9'.repeat(1000)}`), 400],
    ['too many records', '/predict', Array(51).fill(0), 413],
    ['a body that is too long', '/predict', SECRET.repeat(3000), 413],
    ['an unknown path', `/${SECRET}`, '', 404],
    ['an unknown input', () => infer(), { inputs: [{ name: SECRET, shape: [1], datatype: SECRET, data: [SECRET] }] }, 400],
    ['a tensor of another type', () => infer(), { inputs: SECRET }, 400],
  ]) {
    test(`${what} is answered with ${status}, a hint, and nothing of what was sent`, async () => {
      const answer = await edge.post(typeof path === 'function' ? path() : path, body);
      assert.equal(answer.status, status, answer.text);
      assert.deepEqual(Object.keys(answer.body), ['error', 'hint']);
      assert.ok(answer.body.hint.length > 0 && !answer.text.includes(SECRET) && !/\n|\.rs:|\.mjs:/.test(answer.text), answer.text);
    });
  }

  test('another method is told which to use', async () => {
    const { status, headers } = await edge.get('/predict');
    assert.deepEqual([status, headers.get('allow')], [405, 'POST']);
    assert.equal((await fetch(`${edge.url}/health`, { method: 'DELETE' })).status, 405);
    const head = await fetch(`${edge.url}/health`, { method: 'HEAD' });
    assert.deepEqual([head.status, await head.text()], [200, '']);
  });
});
