#!/usr/bin/env node
/** Puts a bundle's model into the worker before it is deployed, loaded already: the module is written anew with the memory that loading has left. */

import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Failure, attempt, replace, run, workerd } from './command.mjs';
import { withMemory } from './snapshot.mjs';

const WASM = 'inference_edge_bg.wasm';
const MODEL = 'model.onnx';
const LOADER = ['preload.capnp', 'loader.mjs'];

const HELP = `Puts a bundle's model into the worker, so that it starts with the model loaded.

usage: node preload.mjs BUNDLE [--to build]

  BUNDLE  a folder with model.onnx, such as data/production
  --to    the worker that inference-wasm/build.sh has built; ${MODEL} and
          ${WASM} are replaced in it
`;

async function main(args) {
  const options = { to: { type: 'string', default: join(import.meta.dirname, 'build') }, help: { type: 'boolean', short: 'h' } };
  const { values, positionals } = attempt(() => parseArgs({ args, options, allowPositionals: true }), '`--help` tells the options');
  if (values.help) return process.stdout.write(HELP);
  if (positionals.length !== 1) throw new Failure('one bundle is needed', '`--help` tells the options');
  return preload(join(positionals[0], MODEL), values.to);
}

/** Puts a model file into a built worker. Nothing is replaced where it cannot serve. */
export async function preload(modelPath, build) {
  const model = attempt(() => readFileSync(modelPath), '`trainer run` puts a bundle into data/production');
  const module = attempt(() => readFileSync(join(build, WASM)), 'build the worker with inference-wasm/build.sh');
  const answer = await load(module, model);
  if (!answer.ok) {
    throw new Failure(`${modelPath}: ${await answer.text()}`, 'a bundle of this trainer serves; for other ONNX files build with EDGE_FEATURES=tract');
  }
  const loaded = withMemory(module, await answer.arrayBuffer());
  replace(join(build, MODEL), model);
  replace(join(build, WASM), loaded);
}

/** Loads the model on workerd: Node 20 does not know all that the module is written in. */
async function load(module, model) {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-preload-'));
  for (const name of LOADER) copyFileSync(join(import.meta.dirname, 'preload', name), join(folder, name));
  writeFileSync(join(folder, WASM), module);
  writeFileSync(join(folder, MODEL), model);
  const runtime = spawn(workerd(), ['serve', join(folder, LOADER[0]), '--control-fd=3'], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
  try {
    const answer = await fetch(`http://127.0.0.1:${await port(runtime)}`);
    return new Response(await answer.arrayBuffer(), { status: answer.status });
  } finally {
    runtime.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
}

/** The port on which workerd listens, which it tells in a line of JSON. */
function port(runtime) {
  let words = '';
  runtime.stderr.on('data', (data) => (words += data));
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Failure(`workerd did not start: ${words.trim()}`, 'install what the project needs with `make setup`'));
    runtime.once('error', fail).once('exit', fail);
    runtime.stdio[3].on('data', (line) => resolve(JSON.parse(String(line).split('\n')[0]).port));
  });
}

if (process.argv[1] && resolve(process.argv[1]) === import.meta.filename) await run(main);
