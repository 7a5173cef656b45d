/** Models from a store: swapped without a failed request, refused when they are broken, shared out to canary and shadow. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Collector, eventually, sha256, startEdge } from './support/edge.js';
import { bundles, checkRow } from './support/golden.js';
import { numbered } from './support/models.js';

const [boosting, regression] = bundles();
const [{ record }] = boosting.rows;
const PUBLISH = join(import.meta.dirname, '..', '..', 'inference-wasm', 'edge', 'publish.mjs');

/** Golden records that a model reproduces. */
function golden(bundle) {
  return readFileSync(join(bundle.path, '..', 'golden.json'), 'utf8');
}

let edge;
let collector;
let store;

before(async () => {
  collector = await new Collector().start();
});

after(async () => {
  await edge?.stop();
  await collector?.stop();
});

/** A new worker with an empty store. */
async function restart() {
  await edge?.stop();
  edge = await startEdge(boosting.model, { r2Buckets: ['MODELS'], bindings: { MODEL_CHECK_SECS: 0.05, COLLECTOR_URL: collector.url } });
  store = await edge.miniflare.getR2Bucket('MODELS');
  collector.lines.length = 0;
}

/** Puts a model into the store; returns what a pointer says of it. */
async function put(bundle, version, { rows = golden(bundle) } = {}) {
  const bytes = numbered(bundle.model, version);
  const file = `${version}/model.onnx`;
  await store.put(file, bytes);
  await store.put(`${version}/golden.json`, rows);
  return { version, file, sha256: sha256(bytes), golden: `${version}/golden.json` };
}

function point(champion, challenger) {
  return store.put('pointer.json', JSON.stringify({ format: 1, champion, challenger }));
}

const health = async () => (await edge.get('/health')).body;
const serves = (version) => eventually(`version ${version} in service`, async () => (await health()).version === version);
const refuses = (error) => eventually(`refusal ${error}`, async () => error.test((await health()).refused?.error ?? ''));

describe('the champion', () => {
  beforeEach(restart);

  test('is the one that came with the worker until a pointer names another', async () => {
    assert.deepEqual([(await health()).version, (await health()).source], [3, 'embedded']);
    await point(await put(regression, 5));
    await serves(5);
    checkRow((await edge.post('/predict', record)).body, regression.rows[0]);
    const now = await health();
    assert.deepEqual([now.status, now.source], ['ok', 'store']);
  });

  test('is swapped again and again under load, and no request fails', async () => {
    const champions = [await put(boosting, 4), await put(regression, 5)];
    let done = false;
    const seen = new Set();
    let n = 0;
    const ask = async () => {
      while (!done) {
        const { status, body } = await edge.post('/predict', record);
        assert.equal(status, 200, JSON.stringify(body));
        seen.add(body.model.version);
        if (body.model.version !== 3) checkRow(body, (body.model.version === 4 ? boosting : regression).rows[0]);
        n += 1;
      }
    };
    const asking = Promise.all(Array.from({ length: 8 }, ask));
    for (let swap = 0; swap < 6; swap += 1) {
      await point(champions[swap % 2]);
      await serves(champions[swap % 2].version);
    }
    done = true;
    await asking;
    assert.ok(seen.has(4) && seen.has(5) && n > 20, `${n} answers of versions ${[...seen]}`);
  });
});

describe('a broken new model leaves the old one in service', () => {
  before(restart);

  for (const [what, change, error] of [
    ['whose digest is another', async () => ({ ...(await put(regression, 5)), sha256: '0'.repeat(64) }), /SHA-256/],
    ['whose version is another', async () => ({ ...(await put(regression, 5)), version: 6 }), /the file is version 5, the pointer says 6/],
    ['that does not reproduce its golden records', () => put(regression, 5, { rows: golden(boosting) }), /golden record 0/],
    ['that is not there', async () => ({ ...(await put(regression, 5)), file: 'nowhere.onnx' }), /nowhere\.onnx is not in the store/],
    ['whose golden records are not there', async () => ({ ...(await put(regression, 5)), golden: 'nowhere.json' }), /nowhere\.json is not in the store/],
    ['that is no model', async () => {
      await store.put('text', 'no model');
      return { version: 7, file: 'text', sha256: sha256('no model') };
    }, /not ONNX/],
    ['that lies outside the store', async () => ({ ...(await put(regression, 5)), file: '../model.onnx' }), /outside the store/],
  ]) {
    test(what, async () => {
      await point(await put(boosting, 4));
      await serves(4);
      await point(await change());
      await refuses(error);
      const now = await health();
      assert.deepEqual([now.status, now.version], ['degraded', 4]);
      checkRow((await edge.post('/predict', record)).body, boosting.rows[0]);
    });
  }

  test('that makes the engine give up, while requests come', async () => {
    await point(await put(boosting, 4));
    await serves(4);
    const broken = Uint8Array.from(regression.model);
    // In tract this one bit ends in a trap of the whole module.
    broken[1645] ^= 1;
    await point(await put({ ...regression, model: broken }, 5));
    let refused = false;
    const ask = async () => {
      while (!refused) {
        const { status, body } = await edge.post('/predict', record);
        assert.equal(status, 200, JSON.stringify(body));
        checkRow(body, boosting.rows[0]);
      }
    };
    const asking = Promise.all(Array.from({ length: 4 }, ask));
    await refuses(/./).finally(() => (refused = true));
    await asking;
    assert.deepEqual([(await health()).version, (await health()).status], [4, 'degraded']);
    await point(await put(regression, 5));
    await serves(5);
  });

  test('a pointer that cannot be read, and then a good one heals it', async () => {
    await store.put('pointer.json', '{');
    await refuses(/the pointer/);
    await point(await put(regression, 6));
    await serves(6);
    assert.equal((await health()).status, 'ok');
  });

  test('a broken challenger does not hinder the champion', async () => {
    const broken = { ...(await put(regression, 5)), sha256: '0'.repeat(64), role: 'canary', share: 1 };
    await point(await put(boosting, 4), broken);
    await serves(4);
    await refuses(/SHA-256/);
    assert.equal((await edge.post('/predict', record)).body.model.version, 4);
  });
});

describe('a challenger', () => {
  beforeEach(restart);

  test('as canary answers its share, and the same id always meets the same model', async () => {
    await point(await put(boosting, 4), { ...(await put(regression, 5)), role: 'canary', share: 0.3 });
    await serves(4);
    const versionOf = async (id) => (await edge.post('/predict', record, { 'x-request-id': id })).body.model.version;
    const versions = await Promise.all(Array.from({ length: 200 }, (_, id) => versionOf(`canary-${id}`)));
    const share = versions.filter((version) => version === 5).length / versions.length;
    assert.ok(share > 0.18 && share < 0.42, String(share));
    for (const id of [0, 1, 2, 3]) assert.equal(await versionOf(`canary-${id}`), versions[id]);
    for (const version of [4, 5]) {
      const { status, body } = await edge.post(`/v2/models/churn/versions/${version}/infer`, infer());
      assert.deepEqual([status, body.model_version], [200, String(version)]);
    }
  });

  test('as shadow answers nothing and logs what it would have said', async () => {
    await point(await put(boosting, 4), { ...(await put(regression, 5)), role: 'shadow', share: 1 });
    await serves(4);
    const { body } = await edge.post('/predict', record, { 'x-request-id': 'shadowed' });
    assert.equal(body.model.version, 4);
    const lines = await eventually('both lines', () => collector.lines.length === 2 && collector.lines);
    assert.deepEqual(lines.map((line) => [line.id, line.version, line.source]).sort(), [['shadowed', 4, 'edge'], ['shadowed', 5, 'shadow']]);
    checkRow(lines.find((line) => line.version === 5), regression.rows[0]);
  });
});

function infer() {
  return { inputs: Object.entries(record).map(([name, value]) => ({ name, shape: [1], datatype: typeof value === 'number' ? 'FP64' : 'BYTES', data: [value] })) };
}

describe('publish.mjs', () => {
  let folder;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-publish-'));
    for (const [bundle, version] of [[boosting, 4], [regression, 5]]) {
      mkdirSync(join(folder, `bundle-${version}`));
      writeFileSync(join(folder, `bundle-${version}`, 'model.onnx'), numbered(bundle.model, version));
      writeFileSync(join(folder, `bundle-${version}`, 'golden.json'), golden(bundle));
      writeFileSync(join(folder, `bundle-${version}`, 'manifest.json'), JSON.stringify({ version }));
    }
  });

  after(() => rmSync(folder, { recursive: true }));

  const publish = (...args) => execFileSync(process.execPath, [PUBLISH, ...args], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const pointer = () => JSON.parse(readFileSync(join(folder, 'models', 'pointer.json'), 'utf8'));

  test('puts a champion and a challenger where a pointer names them', () => {
    publish('bundle-4', '--to', 'models');
    publish('bundle-5', '--to', 'models', '--canary', '0.1');
    const { champion, challenger } = pointer();
    assert.deepEqual([champion.version, challenger.version, challenger.role, challenger.share], [4, 5, 'canary', 0.1]);
    for (const { file, sha256: digest, golden } of [champion, challenger]) {
      assert.equal(sha256(readFileSync(join(folder, 'models', file))), digest);
      assert.ok(existsSync(join(folder, 'models', golden)));
    }
    publish('bundle-5', '--to', 'models');
    assert.deepEqual([pointer().champion.version, pointer().challenger], [5, undefined]);
  });

  test('says what is wrong', () => {
    for (const [args, message] of [
      [['nowhere', '--to', 'models'], /error: .*nowhere.*\nhint: /],
      [['bundle-4'], /error: .*--to.*\nhint: /],
      [['bundle-4', '--to', 'models', '--canary', '2'], /error: .*\nhint: .*from 0 to 1/],
      [['bundle-4', '--to', 'empty', '--shadow', '1'], /error: .*champion.*\nhint: /],
    ]) {
      assert.throws(() => publish(...args), (error) => error.status === 2 && message.test(error.stderr), args.join(' '));
    }
  });
});
