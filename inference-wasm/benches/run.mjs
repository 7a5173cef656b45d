/**
 * Our modules beside onnxruntime-web: same ONNX files, same page, same run, one thread each.
 *
 *   npm install && npm run bench -- [BOOSTER.onnx] [FOREST.onnx]
 *
 * Without arguments the production bundle of ../../data (or TIDEMARK_HOME) is the booster, and the newest random forest of its registry the
 * forest; every family that the registry holds is explained, by the small module. Needs ../pkg (../build.sh), ../../web/node_modules (playwright-core) and Chromium.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { ENGINES, compressed, startServer } from './server.mjs';
import { explanations, inWorkers, table, verdicts } from './report.mjs';
import { Predictor } from '../pkg/lite/node.js';

const ROOT = resolve(import.meta.dirname, '..', '..');
const HOME = resolve(ROOT, process.env.TIDEMARK_HOME ?? 'data');
const N_ROUNDS = 5;
/** First predictions are short and differ much: engines take turns, so that each has its share of a quiet machine. */
const N_FIRST = 12;

const newest = newestByFamily();
const models = { booster: process.argv[2] ?? join(HOME, 'production', 'model.onnx'), forest: process.argv[3] ?? newestForest() };
const widths = Object.fromEntries(Object.entries({ ...newest, ...models }).map(([name, path]) => [name, widthOf(path)]));
const folders = {
  pkg: resolve(import.meta.dirname, '..', 'pkg'),
  ort: join(import.meta.dirname, 'node_modules', 'onnxruntime-web', 'dist'),
};
const { chromium } = createRequire(join(ROOT, 'web', 'package.json'))('playwright-core');
const server = await startServer(import.meta.dirname, folders, { ...newest, ...models });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });

const results = [];
for (const model of Object.keys(models)) {
  const first = Object.fromEntries(Object.keys(ENGINES).map((engine) => [engine, Infinity]));
  for (let round = 0; round < N_FIRST; round += 1) {
    for (const engine of Object.keys(ENGINES)) first[engine] = Math.min(first[engine], (await measure(engine, model, '&first=1')).first_ms);
  }
  for (const engine of Object.keys(ENGINES)) {
    const rounds = [];
    for (let round = 0; round < N_ROUNDS; round += 1) rounds.push(await measure(engine, model));
    results.push({ engine, model, bytes: bytesOf(engine), first_ms: first[engine], ...best(rounds) });
  }
}
const n_workers = Number(process.env.WORKERS ?? availableParallelism());
const batches = {};
for (const model of Object.keys(models)) {
  batches[model] = Infinity;
  for (let round = 0; round < N_ROUNDS; round += 1) batches[model] = Math.min(batches[model], (await measure('lite', model, `&workers=${n_workers}`)).batch_ms);
}
const explained = [];
for (const family of Object.keys(newest)) {
  const rounds = [];
  for (let round = 0; round < N_ROUNDS; round += 1) rounds.push(await measure('lite', family, '&explain=1'));
  explained.push(rounds.reduce((best, other) => (other.explain_ms < best.explain_ms ? other : best)));
  explained.at(-1).family = family;
}
await browser.close();
await server.close();
console.log(table(results));
console.log(verdicts(results));
console.log(inWorkers(results, batches, n_workers));
console.log(explanations(explained));

/**
 * One cold start: a context of its own has no cache. The page is opened from another of its site, so that what the browser takes to start a
 * process for the site, a third of the small module's time, is not in it: it is no engine's.
 */
async function measure(engine, model, more = '') {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    page.on('pageerror', (error) => console.error(`${engine}, ${model}: ${error}`));
    await page.goto(`${server.url}blank.html`);
    await page.goto(`${server.url}page.html?engine=${engine}&model=${model}&width=${widths[model]}${more}`);
    await page.waitForFunction(() => window.result, undefined, { timeout: 120_000 });
    return await page.evaluate(() => window.result);
  } finally {
    await context.close();
  }
}

/** The best of the rounds, by which a busy machine is told least. */
function best(rounds) {
  const least = (name) => Math.min(...rounds.map((round) => round[name]));
  return { single_us: least('single_us'), batch_ms: least('batch_ms'), sum: rounds[0].sum };
}

function bytesOf(engine) {
  const sizes = ENGINES[engine].map((path) => {
    const [folder, ...rest] = path.split('/');
    return compressed(join(folders[folder], ...rest)).length;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** How many features a row has, by the small module in Node. */
function widthOf(path) {
  const predictor = new Predictor(readFileSync(path));
  const width = predictor.contract().columns.length;
  predictor.free();
  return width;
}

function newestForest() {
  const forest = newest['random-forest'];
  if (!forest) throw new Error(`there is no random forest in the registry of ${HOME}: run \`trainer run\`, or name one`);
  return forest;
}

/** The newest model of each family of the registry. */
function newestByFamily() {
  const versions = join(HOME, 'registry', 'versions');
  if (!existsSync(versions)) return {};
  const family = (name) => JSON.parse(readFileSync(join(versions, name, 'manifest.json'), 'utf8')).family;
  return Object.fromEntries(readdirSync(versions).sort().map((name) => [family(name), join(versions, name, 'model.onnx')]));
}
