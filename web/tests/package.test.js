/** The npm package as a stranger gets it: packed, installed into an empty folder, used in Node, in a plain page and on workerd. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Miniflare } from 'miniflare';
import { startChromium } from './support/chromium.js';
import { bundles, checkProbabilities } from './support/golden.js';
import { startSite } from './support/site.js';

const PACKAGE = join(import.meta.dirname, '..', '..', 'inference-wasm', 'pkg');
const BUILDS = ['tidemark', 'tidemark/full'];

const [{ model, path, rows }] = bundles();
const [row] = rows;
let folder;

/** What a stranger writes: scores a record with the class that was imported, and has its probabilities. */
const score = (bytes) => `
  await init();
  const predictor = new Predictor(${bytes});
  const { probabilities } = predictor.predict(${JSON.stringify(row.record)});
  predictor.free();`;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-package-'));
  const npm = (...args) => execFileSync('npm', [...args, '--loglevel=error', '--no-fund', '--no-audit'], { cwd: folder, encoding: 'utf8' });
  const [{ filename, size }] = JSON.parse(npm('pack', PACKAGE, '--json'));
  assert.ok(size < 4_000_000, `the package has ${size} bytes`);
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  npm('install', `./${filename}`, '--offline');
});

after(() => rmSync(folder, { recursive: true, force: true }));

const installed = (name) => join(folder, 'node_modules', 'tidemark', name);

for (const build of BUILDS) {
  test(`${build} scores in Node`, () => {
    const source = `import { readFileSync } from 'node:fs'; import init, { Predictor } from '${build}';
      ${score(`readFileSync(${JSON.stringify(path)})`)} console.log(JSON.stringify(probabilities));`;
    writeFileSync(join(folder, 'main.js'), source);
    checkProbabilities(JSON.parse(execFileSync('node', ['main.js'], { cwd: folder, encoding: 'utf8' })), row);
  });

  test(`${build} scores on workerd`, async () => {
    const name = build === 'tidemark' ? 'lite' : 'full';
    const source = `import model from './model.onnx'; import init, { Predictor } from './${name}/workerd.js';
      export default { async fetch() { ${score('new Uint8Array(model)')} return Response.json(probabilities); } };`;
    const file = (type, path) => ({ type, path, contents: readFileSync(installed(path)) });
    const worker = new Miniflare({
      cf: false,
      compatibilityDate: '2025-01-01',
      modules: [
        { type: 'ESModule', path: 'main.js', contents: source },
        { type: 'Data', path: 'model.onnx', contents: model },
        file('ESModule', `${name}/workerd.js`),
        file('ESModule', `${name}/inference_wasm.js`),
        file('CompiledWasm', `${name}/inference_wasm_bg.wasm`),
      ],
    });
    try {
      const response = await worker.dispatchFetch('http://localhost/');
      checkProbabilities(await response.json(), row);
    } finally {
      await worker.dispose();
    }
  });
}

test('the example page without a bundler scores in Chromium', async () => {
  const files = { '/plain.html': installed('examples/plain.html'), '/model.onnx': model };
  for (const name of ['inference_wasm.js', 'inference_wasm_bg.wasm']) files[`/node_modules/tidemark/lite/${name}`] = installed(`lite/${name}`);
  const site = await startSite({ files });
  const browser = await startChromium();
  try {
    const page = await browser.newPage();
    await page.goto(`${site.url}plain.html`);
    await page.waitForFunction(() => document.querySelector('output').value.startsWith('{'));
    const { label, probabilities } = JSON.parse(await page.evaluate(() => document.querySelector('output').value));
    assert.ok(Object.keys(probabilities).includes(label));
  } finally {
    await browser.close();
    await site.close();
  }
});

test('a bundler or a page resolves every export to a file', () => {
  const { exports } = JSON.parse(readFileSync(installed('package.json'), 'utf8'));
  const targets = Object.values(exports).flatMap((target) => (typeof target === 'string' ? target : Object.values(target)));
  assert.ok(targets.length > 10);
  targets.forEach((target) => assert.ok(readFileSync(installed(target)).length > 0, target));
});
