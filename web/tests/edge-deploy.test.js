/** The worker as it is deployed: Cloudflare's own check of wrangler.jsonc, plain workerd with workerd.capnp, and a short load on it. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { deployment, startWorkerd } from '../../inference-wasm/edge/benches/programs.mjs';
import { letterNames, runLoad } from '../../inference-wasm/edge/benches/load.mjs';
import { SCRIPTS } from '../scripts/worker.mjs';
import { eventually } from './support/edge.js';
import { bundles, checkRow } from './support/golden.js';
import { numbered } from './support/models.js';

const EDGE = join(import.meta.dirname, '..', '..', 'inference-wasm', 'edge');
const WRANGLER = join(import.meta.dirname, '..', 'node_modules', '.bin', 'wrangler');
/** What the smallest plan of Cloudflare once allowed. */
const MOST_KIB = 3072;
/** Where the memory of workerd levels off in a long load, also with a worker that does nothing, and some. */
const LEVEL_MB = 400;
const [boosting, regression] = bundles();
const [{ record }] = boosting.rows;

let folder;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-deploy-'));
  for (const [bundle, version] of [[boosting, 4], [regression, 5]]) {
    mkdirSync(join(folder, String(version)));
    writeFileSync(join(folder, String(version), 'model.onnx'), numbered(bundle.model, version));
    copyFileSync(join(bundle.path, '..', 'golden.json'), join(folder, String(version), 'golden.json'));
    writeFileSync(join(folder, String(version), 'manifest.json'), JSON.stringify({ version }));
  }
});

after(() => rmSync(folder, { recursive: true }));

/** wrangler.jsonc without the comment signs before what needs a resource of the account. */
function withEverything() {
  const text = readFileSync(join(EDGE, 'wrangler.jsonc'), 'utf8');
  const [head, tail] = text.split('"LOG_BUFFER_LINES": 20000\n  }\n');
  const settings = tail.split('\n').map((line) => line.replace(/^ {2}\/\/ (?=[ "}\]])/, '  '));
  return `${head}"LOG_BUFFER_LINES": 20000\n  },\n${settings.join('\n')}`;
}

describe('wrangler.jsonc', () => {
  let deployed;

  before(async () => {
    deployed = await deployment(boosting.path);
  });

  after(() => deployed?.remove());

  const check = (config) => {
    writeFileSync(join(deployed.folder, 'wrangler.jsonc'), config);
    const env = { ...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false' };
    const { status, stdout, stderr } = spawnSync(process.execPath, [WRANGLER, 'deploy', '--dry-run'], { cwd: deployed.folder, env, encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
    return stdout + stderr;
  };

  test('is accepted, and the upload is well under the old limit', () => {
    const said = check(readFileSync(join(EDGE, 'wrangler.jsonc'), 'utf8'));
    const kib = Number(/gzip: ([\d.]+) KiB/.exec(said)[1]);
    assert.ok(kib < MOST_KIB, `${kib} KiB`);
    assert.doesNotMatch(said, /WARNING/);
    for (const name of SCRIPTS.slice(1)) assert.ok(said.includes(name), name);
  });

  test('is accepted with everything that is commented out', () => {
    const said = check(withEverything());
    for (const name of ['RATE_LIMIT', 'MODELS', 'LOGS', 'ASSETS', 'LOG_QUEUE']) assert.ok(said.includes(`env.${name}`), `${name}\n${said}`);
  });
});

test('the Dockerfile runs the workerd that the tests run', () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'node_modules', 'workerd', 'package.json'), 'utf8'));
  assert.ok(readFileSync(join(EDGE, 'Dockerfile'), 'utf8').includes(`workerd@${version} `));
});

describe('plain workerd', () => {
  let deployed;
  let worker;

  before(async () => {
    deployed = await deployment(boosting.path);
    worker = await startWorkerd(deployed.folder, { MODEL_CHECK_SECS: '0.1', COLLECTOR_URL: 'http://127.0.0.1:1', LOG_RETRY_SECS: '0' });
  });

  after(async () => {
    await worker?.stop();
    deployed?.remove();
  });

  const ask = async () => (await fetch(`${worker.url}/predict`, { method: 'POST', body: JSON.stringify(record) })).json();

  test('has every module that the worker has', () => {
    const config = readFileSync(join(EDGE, 'workerd.capnp'), 'utf8');
    for (const name of [...SCRIPTS, 'inference_edge_bg.wasm', 'model.onnx']) assert.ok(config.includes(`"build/${name}"`), name);
  });

  test('answers, follows a folder of models, and keeps dead letters in a folder', async () => {
    checkRow(await ask(), boosting.rows[0]);
    execFileSync(process.execPath, [join(EDGE, 'publish.mjs'), join(folder, '5'), '--to', join(deployed.folder, 'models')]);
    await eventually('version 5', async () => (await ask()).model.version === 5);
    checkRow(await ask(), regression.rows[0]);
    const letters = join(deployed.folder, 'letters');
    const name = await eventually('a dead letter', () => letterNames(letters)[0]);
    const [line] = readFileSync(join(letters, name), 'utf8').split('\n');
    assert.deepEqual([JSON.parse(line).format, JSON.parse(line).source], [1, 'edge']);
  });
});

describe('a load with swaps, and a collector that goes and comes', () => {
  test('fails no answer, loses and doubles no line, and memory stays flat', async () => {
    const seconds = Number(process.env.TIDEMARK_LOAD_SECS ?? 15);
    const result = await runLoad({ bundles: [join(folder, '4'), join(folder, '5')], seconds, swapSecs: Math.max(1.5, seconds / 30), rate: process.env.TIDEMARK_LOAD_SECS ? undefined : 150 });
    const said = JSON.stringify(result);
    assert.deepEqual([result.failures, result.lost, result.doubled, result.strangers], [[], 0, 0, 0], said);
    assert.deepEqual(result.versions, [4, 5], said);
    assert.ok(result.answers > seconds * 50, said);
    assert.ok(result.memoryMb.late < Math.max(result.memoryMb.early * 1.25, LEVEL_MB), said);
  });
});
