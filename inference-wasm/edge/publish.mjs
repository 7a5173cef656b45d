#!/usr/bin/env node
/** Publishes a bundle to a folder of models that the worker follows: files under names of their own first, the pointer last. */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Failure, attempt, replace, run } from './command.mjs';

const FORMAT = 1;
const POINTER = 'pointer.json';

const HELP = `Publishes a bundle to a folder that the worker follows.

usage: node publish.mjs BUNDLE --to FOLDER [--canary SHARE | --shadow SHARE]

  BUNDLE     a folder with model.onnx and manifest.json, such as data/production
  --to       the folder that is bound as ASSETS, or that goes to the bucket MODELS:
             upload every new file, then ${POINTER}; this prints the commands
  --canary   a share of the requests, from 0 to 1, that the bundle answers
             instead of the champion
  --shadow   a share of the requests that the bundle is asked beside the
             champion; what it says is only logged

Without --canary and --shadow the bundle becomes the champion, alone.
`;

function main(args) {
  const { bundle, to, role, share, help } = parse(args);
  if (help) return process.stdout.write(HELP);
  const before = readPointer(to);
  if (role && !before) throw new Failure(`there is no champion in ${to}`, 'publish one first, without --canary and --shadow');
  const { entry, files } = place(bundle, to);
  const pointer = role ? { ...before, challenger: { ...entry, role, share } } : { format: FORMAT, champion: entry };
  replace(join(to, POINTER), `${JSON.stringify(pointer, null, 2)}\n`);
  const puts = [...files, POINTER].map((name) => `npx wrangler r2 object put tidemark-models/${name} --remote --file ${join(to, name)}\n`);
  return process.stdout.write(`version ${entry.version} is ${role ?? 'champion'} in ${to}; for a bucket:\n\n${puts.join('')}`);
}

function parse(args) {
  const options = { to: { type: 'string' }, canary: { type: 'string' }, shadow: { type: 'string' }, help: { type: 'boolean', short: 'h' } };
  const { values, positionals } = attempt(() => parseArgs({ args, options, allowPositionals: true }), '`--help` tells the options');
  if (values.help) return { help: true };
  const [bundle] = positionals;
  if (positionals.length !== 1 || !values.to) throw new Failure('one bundle and --to are needed', '`--help` tells the options');
  if (values.canary !== undefined && values.shadow !== undefined) throw new Failure('--canary and --shadow exclude one another', 'choose one');
  const role = ['canary', 'shadow'].find((role) => values[role] !== undefined);
  const share = role && Number(values[role]);
  if (role && !(share >= 0 && share <= 1)) throw new Failure(`--${role} '${values[role]}' is no share`, 'a share is a number from 0 to 1');
  return { bundle, to: values.to, role, share };
}

/** Copies a bundle's files under names that hold the digest, so that no file ever changes. */
function place(bundle, to) {
  const hint = '`trainer run` puts a bundle into data/production';
  const model = attempt(() => readFileSync(join(bundle, 'model.onnx')), hint);
  const { version } = attempt(() => JSON.parse(readFileSync(join(bundle, 'manifest.json'), 'utf8')), hint);
  const sha256 = createHash('sha256').update(model).digest('hex');
  const folder = `${String(version).padStart(4, '0')}-${sha256.slice(0, 12)}`;
  const names = ['model.onnx', 'golden.json'].filter((name) => existsSync(join(bundle, name)));
  for (const name of names) replace(join(to, folder, name), readFileSync(join(bundle, name)));
  const golden = names.includes('golden.json') ? `${folder}/golden.json` : undefined;
  return { entry: { version, file: `${folder}/model.onnx`, sha256, golden }, files: names.map((name) => `${folder}/${name}`) };
}

function readPointer(to) {
  const path = join(to, POINTER);
  return existsSync(path) ? attempt(() => JSON.parse(readFileSync(path, 'utf8')), `publish a champion anew after removing ${path}`) : undefined;
}

await run(main);
