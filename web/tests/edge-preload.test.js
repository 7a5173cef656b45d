/** A worker that is deployed with its model loaded: the module's memory is that of an instance that has loaded it. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { withMemory } from '../../inference-wasm/edge/snapshot.mjs';
import { startWorkerd } from '../../inference-wasm/edge/benches/programs.mjs';
import { sha256 } from './support/edge.js';
import { bundles, checkRow } from './support/golden.js';

const EDGE = join(import.meta.dirname, '..', '..', 'inference-wasm', 'edge');
const [boosting, regression] = bundles();

let folder;
let build;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-preload-'));
  build = join(folder, 'build');
  cpSync(join(EDGE, 'build'), build, { recursive: true });
  copyFileSync(join(EDGE, 'workerd.capnp'), join(folder, 'workerd.capnp'));
  for (const name of ['models', 'letters']) mkdirSync(join(folder, name));
});

afterEach(() => rmSync(folder, { recursive: true }));

const wasm = () => readFileSync(join(build, 'inference_edge_bg.wasm'));

function preload(bundle) {
  const { status, stderr } = spawnSync(process.execPath, [join(EDGE, 'preload.mjs'), bundle, '--to', build], { encoding: 'utf8' });
  return { status, stderr };
}

/** What the worker answers to the golden records of a bundle, and its digest of the model. */
async function checkServes(bundle) {
  const worker = await startWorkerd(folder);
  try {
    for (const row of bundle.rows) {
      const answer = await fetch(`${worker.url}/predict`, { method: 'POST', body: JSON.stringify(row.record) });
      checkRow(await answer.json(), row);
    }
    const model = await (await fetch(`${worker.url}/model`)).json();
    assert.equal(model.sha256, sha256(bundle.model));
  } finally {
    await worker.stop();
  }
}

const MASK = (1n << 64n) - 1n;
const rotated = (hash) => ((hash << 5n) | (hash >> 59n)) & MASK;
const mixed = (hash, word) => ((rotated(hash) ^ word) * 0x517cc1b727220a95n) & MASK;

/** A file that is no model any more, and that the worker does not tell from the one that it was: its second word makes up for its first. */
function forged(model) {
  const bytes = Buffer.from(model);
  const length = BigInt(bytes.length);
  const [first, second] = [bytes.readBigUInt64LE(0), bytes.readBigUInt64LE(8)];
  const other = first ^ MASK;
  bytes.writeBigUInt64LE(other, 0);
  bytes.writeBigUInt64LE(second ^ rotated(mixed(length, first)) ^ rotated(mixed(length, other)), 8);
  return bytes;
}

describe('a model that is put into the worker', () => {
  test('is loaded when it starts, and so is the one that replaces it', async () => {
    for (const bundle of [boosting, regression]) {
      const before = wasm();
      assert.deepEqual(preload(dirname(bundle.path)), { status: 0, stderr: '' });
      assert.notDeepEqual(wasm(), before);
      await checkServes(bundle);
    }
  });

  test('is not loaded again', async () => {
    preload(dirname(boosting.path));
    writeFileSync(join(build, 'model.onnx'), forged(boosting.model));
    await checkServes(boosting);
  });

  test('does not serve where another file lies beside the module', async () => {
    preload(dirname(boosting.path));
    writeFileSync(join(build, 'model.onnx'), regression.model);
    await checkServes(regression);
  });

  test('that cannot serve is refused, and nothing is replaced', () => {
    const before = wasm();
    const broken = join(folder, 'broken');
    cpSync(dirname(boosting.path), broken, { recursive: true });
    writeFileSync(join(broken, 'model.onnx'), boosting.model.subarray(0, boosting.model.length / 2));
    const { status, stderr } = preload(broken);
    assert.equal(status, 2);
    assert.match(stderr, /^error: .*model\.onnx: .+\nhint: /);
    assert.deepEqual(wasm(), before);
    assert.match(preload(join(folder, 'nowhere')).stderr, /nowhere.*\nhint: /);
  });
});

describe('a module with a memory of its own', () => {
  /** A module that exports a memory of one page; `[1, 2, 3]` lies at 8. */
  const module = Buffer.from('0061736d01000000' + '0503010001' + '070a01066d656d6f72790200' + '0b09010041080b03010203', 'hex');

  const memoryOf = (bytes) => new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.memory;

  test('begins with the memory that it is given, however it has grown', () => {
    const memory = memoryOf(module);
    memory.grow(2);
    const bytes = new Uint8Array(memory.buffer);
    for (const [at, value] of [[0, 7], [9, 0], [300, 9], [70_000, 1], [bytes.length - 1, 255]]) bytes[at] = value;
    assert.deepEqual(new Uint8Array(memoryOf(withMemory(module, memory.buffer)).buffer), bytes);
  });

  test('may be empty', () => {
    const empty = new WebAssembly.Memory({ initial: 1 }).buffer;
    assert.deepEqual(memoryOf(withMemory(module, empty)).buffer, empty);
  });
});
