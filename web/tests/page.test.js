/** The built page in Chromium: golden records, a person filling the form, bad models, links, logging. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { withBackground } from './support/background.js';
import { startChromium } from './support/chromium.js';
import { bundles, checkProbabilities, checkRow } from './support/golden.js';
import { DIST, startSite } from './support/site.js';

const all = bundles();
const [bundle] = all;
let browser;
let site;
let page;
let posted;
let keys;
let answer;

before(async () => {
  assert.ok(existsSync(join(DIST, 'index.html')), 'the page is not built: run `npm run build` first');
  browser = await startChromium();
  site = await startSite({
    collect: (body, key) => {
      posted.push(body);
      keys.push(key);
      return answer;
    },
  });
});

after(async () => {
  await browser?.close();
  await site?.close();
});

/** A fresh page with this model (bytes, or undefined for none). */
async function open(model, { manifest, hash = '' } = {}) {
  await page?.close();
  [posted, keys, answer] = [[], [], 200];
  site.files['/model/model.onnx'] = model;
  site.files['/model/manifest.json'] = manifest;
  page = await browser.newPage();
  page.setDefaultTimeout(10_000);
  await page.goto(site.url + hash);
  await page.waitForFunction(() => document.documentElement.dataset.state);
}

/** Types a record as a person does. */
async function fill(record) {
  for (const [name, value] of Object.entries(record)) {
    const field = page.getByLabel(name, { exact: true });
    if (await field.evaluate((element) => element.tagName === 'SELECT')) await choose(field, name, value);
    else await field.fill(value === null ? '' : String(value));
  }
}

async function choose(select, name, value) {
  const known = await select.evaluate((element, text) => [...element.options].some((option) => option.value === text), value);
  await select.selectOption({ label: value === null ? 'not known' : known ? value : 'other…' });
  if (value !== null && !known) await page.getByLabel(`${name}, another text`).fill(value);
}

/** Waits for two frames, after which the page has scored what stands in the form. */
const settled = () => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));

/** What the page shows, in its own digits. */
async function shown() {
  await settled();
  return page.evaluate(() => ({
    label: document.querySelector('#decision').textContent,
    followed: Number(document.querySelector('#probability').value),
    probabilities: Object.fromEntries(
      [...document.querySelectorAll('.classes [data-class]')].map((row) => [row.dataset.class, Number(row.querySelector('data').value)]),
    ),
  }));
}

const notes = (column) => page.locator(`.field[data-column="${column}"] .notes`).textContent();

for (const { name, model, manifest, rows } of all) {
  describe(`${name} in the page`, () => {
    test('every golden record gets its golden probabilities', async () => {
      await open(model, { manifest });
      const records = rows.map((row) => row.record);
      const one = await page.evaluate((list) => list.map((record) => window.tidemark.predictor.predict(record)), records);
      const many = await page.evaluate((list) => window.tidemark.predictor.predictMany(list), records);
      for (const [index, row] of rows.entries()) {
        checkRow(one[index], row);
        checkRow(many[index], row);
      }
    });

    test('a person who fills the form sees the golden probabilities', async () => {
      await open(model, { manifest });
      for (const row of rows.slice(0, 3)) {
        await fill(row.record);
        const { label, followed, probabilities } = await shown();
        checkProbabilities(probabilities, row);
        assert.equal(label, row.label);
        assert.ok(Object.values(probabilities).includes(followed));
      }
    });
  });
}

/** The engine that runs the page's model, and how many WebAssembly modules it took. */
const engine = () =>
  page.evaluate(() => ({
    name: window.tidemark.info.engine,
    n_modules: performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.wasm')).length,
  }));

test('the small module is enough for a model of the trainer, and only another model brings the full one', async () => {
  const { model } = all.find(({ name }) => name === 'gradient-boosting');
  await open(model);
  assert.deepEqual(await engine(), { name: 'lowered', n_modules: 1 });
  const changed = Buffer.from(Buffer.from(model).toString('latin1').replaceAll('BRANCH_EQ', 'BRANCH_GT'), 'latin1');
  await open(new Uint8Array(changed));
  assert.deepEqual(await engine(), { name: 'tract', n_modules: 2 });
});

describe('the form', () => {
  test('starts with medians and most frequent levels, and says what is unusual', async () => {
    await open(bundle.model);
    const { columns } = await page.evaluate(() => window.tidemark.contract);
    const numeric = columns.find((column) => column.kind === 'numeric');
    const categorical = columns.find((column) => column.kind === 'categorical');
    assert.equal(await page.getByLabel(numeric.name, { exact: true }).inputValue(), String(numeric.median));
    await fill({ [numeric.name]: numeric.maximum + 1000, [categorical.name]: 'never heard of' });
    await settled();
    assert.match(await notes(numeric.name), /above every training row/);
    assert.match(await notes(categorical.name), /“never heard of” did not occur in training/);
    await page.getByRole('button', { name: 'Typical record' }).click();
    await settled();
    assert.equal((await notes(numeric.name)) + (await notes(categorical.name)), '');
  });

  test('takes a number that is not known, and refuses what is no number', async () => {
    await open(bundle.model);
    const { columns } = await page.evaluate(() => window.tidemark.contract);
    const { name } = columns.find((column) => column.kind === 'numeric');
    const field = page.getByLabel(name, { exact: true });
    const unknown = page.getByRole('button', { name: `${name} is not known` });
    await unknown.click();
    assert.equal(await field.inputValue(), '');
    assert.equal(await unknown.getAttribute('aria-pressed'), 'true');
    await field.focus();
    await page.keyboard.type('1e');
    await settled();
    assert.match(await notes(name), /not a number/);
    assert.equal((await shown()).followed, 0);
    await field.fill('1e300');
    await settled();
    assert.match(await notes(name), /finite number/);
  });

  test('answers what if for the focused column, and takes a pick', async () => {
    await open(bundle.model);
    const { columns } = await page.evaluate(() => window.tidemark.contract);
    const numeric = columns.findLast((column) => column.kind === 'numeric');
    const categorical = columns.find((column) => column.kind === 'categorical');
    await page.getByLabel(numeric.name, { exact: true }).focus();
    await page.getByRole('img', { name: `over ${numeric.name}: lowest` }).click({ position: { x: 11, y: 60 } });
    await settled();
    assert.ok(Math.abs(Number(await page.getByLabel(numeric.name, { exact: true }).inputValue()) - numeric.minimum) <= (numeric.maximum - numeric.minimum) / 50);
    await page.getByLabel(categorical.name, { exact: true }).focus();
    await page.getByRole('button', { name: new RegExp(`^${categorical.levels.at(-1)} `) }).click();
    await settled();
    assert.equal(await page.getByLabel(categorical.name, { exact: true }).inputValue(), categorical.levels.at(-1));
  });

  test('puts the record into the address and reads it back', async () => {
    await open(bundle.model);
    const row = bundle.rows[1];
    await fill(row.record);
    // The address follows the form with a delay, so an early one holds but the first fields.
    await page.waitForFunction((fields) => {
      const told = new URLSearchParams(location.hash.slice(1));
      return fields.every(([name, value]) => told.get(name) === (value === null ? '' : String(value)));
    }, Object.entries(row.record));
    const hash = new URL(page.url()).hash;
    await open(bundle.model, { hash });
    checkProbabilities((await shown()).probabilities, row);
    await open(bundle.model, { hash: '#colour=blue' });
    await page.getByText('another model: it names “colour”').waitFor();
  });

  test('can be reached and used with the keyboard alone', async () => {
    await open(bundle.model);
    const { columns } = await page.evaluate(() => window.tidemark.contract);
    const reached = new Set();
    for (let step = 0; step < columns.length * 3 + 10; step += 1) {
      await page.keyboard.press('Tab');
      reached.add(await page.evaluate(() => document.activeElement.closest('.field')?.dataset.column ?? document.activeElement.id));
    }
    for (const name of [...columns.map((column) => column.name), 'log']) assert.ok(reached.has(name), name);
  });
});

describe('why this probability', () => {
  const explained = async () => {
    await open(bundle.model);
    const contract = await page.evaluate(() => window.tidemark.contract);
    await open(withBackground(bundle.model, contract));
    return contract;
  };

  test('the columns that move it most are listed, and follow the form', async () => {
    const { columns } = await explained();
    const card = page.getByRole('region', { name: 'Why this probability' });
    await card.getByText('On average the probability of').waitFor();
    const before = await card.locator('li').allTextContents();
    assert.equal(before.length, Math.min(8, columns.length));
    assert.ok(before.every((text) => /[+−]\d/.test(text)), before.join('; '));
    await fill(bundle.rows[0].record);
    await page.waitForFunction((text) => document.querySelector('.why ol').textContent !== text, before.join(''));
  });

  test('what would change the decision is told, tried, and changes it', async () => {
    await explained();
    const { label } = await shown();
    await page.getByRole('button', { name: 'What would change the decision?' }).click();
    await page.getByText('the prediction would be').waitFor();
    await page.getByRole('button', { name: 'Try it' }).click();
    await page.waitForFunction((text) => document.querySelector('#decision').textContent !== text, label);
  });

  test('a model without a background says so', async () => {
    await open(all.find(({ name }) => name === 'gradient-boosting').model);
    await page.getByText('the model carries no background').waitFor();
  });
});

describe('a file', () => {
  const csv = (rows, separator = ',') => [Object.keys(rows[0]), ...rows.map(Object.values)].map((row) => row.map((value) => value ?? '').join(separator)).join('\n');
  const drop = (text, name = 'rows.csv') => page.locator('#file').setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });
  const saved = async () => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: /^Save / }).click()]);
    assert.equal(download.suggestedFilename(), 'rows-scored.csv');
    return readFile(await download.path(), 'utf8');
  };

  test('is scored as its rows are one by one, and saved with its own columns', async () => {
    await open(bundle.model);
    const rows = Array.from({ length: 2500 }, (_, at) => bundle.rows[at % bundle.rows.length]);
    await drop(`\uFEFF${csv(rows.map(({ record }, at) => ({ id: `"a;${at}"`, ...record })), ';')}`);
    const [header, ...lines] = (await saved()).trimEnd().split('\n');
    const classes = Object.keys(rows[0].probabilities);
    assert.deepEqual(header.split(';').slice(-1 - classes.length), ['label', ...classes.map((name) => `probability_${name}`)]);
    assert.equal(lines.length, rows.length);
    for (const [at, line] of lines.entries()) {
      assert.ok(line.startsWith(`"a;${at}";`), line);
      const [label, ...probabilities] = line.split(';').slice(-1 - classes.length);
      checkRow({ label, probabilities: Object.fromEntries(classes.map((name, index) => [name, Number(probabilities[index])])) }, rows[at]);
    }
    await page.getByText('2,500 rows scored').waitFor();
  });

  test('of several parts keeps the order of its rows, whatever stands in them', async () => {
    await open(bundle.model);
    const [good] = bundle.rows;
    const { columns } = await page.evaluate(() => window.tidemark.contract);
    const { name } = columns.find((column) => column.kind === 'numeric');
    const [n_rows, bad] = [12_000, 11_500];
    const filler = '5" x\n'.repeat(20);
    const quoted = (at) => `"${`${at}\n${filler}`.replaceAll('"', '""')}"`;
    const rows = Array.from({ length: n_rows }, (_, at) => ({ id: quoted(at), ...bundle.rows[at % bundle.rows.length].record }));
    rows[bad] = { id: quoted(bad), ...good.record, [name]: 'many' };
    await drop(csv(rows));
    const text = await saved();
    const ids = [...text.matchAll(/^"(\d+)\n/gm)].map(([, id]) => Number(id));
    assert.deepEqual(ids, Array.from({ length: n_rows }, (_, at) => at));
    const answers = text.split('\n').filter((line) => line.startsWith('",')).map((line) => line.split(',').slice(-1 - Object.keys(good.probabilities).length)[0]);
    assert.deepEqual(answers, rows.map((_, at) => (at === bad ? '' : bundle.rows[at % bundle.rows.length].label)));
    assert.match(await page.locator('.news').textContent(), new RegExp(`row ${(bad + 1).toLocaleString('en')}: .*many`));
  });

  test('tells when a helper does not start', async () => {
    const name = (await readdir(join(DIST, 'assets'))).find((name) => /^batch-helper.*\.js$/.test(name));
    await open(bundle.model);
    site.files[`/assets/${name}`] = 'no such file';
    try {
      await drop(csv(Array.from({ length: 12_000 }, () => ({ id: 'x'.repeat(100), ...bundle.rows[0].record }))));
      await page.getByText('Not scored').waitFor();
    } finally {
      delete site.files[`/assets/${name}`];
    }
  });

  test('with bad rows keeps its lines, and tells which and why', async () => {
    await open(bundle.model);
    const { columns } = await page.evaluate(() => window.tidemark.contract);
    const { name } = columns.find((column) => column.kind === 'numeric');
    const [good] = bundle.rows;
    await drop(`${csv([good.record, { ...good.record, [name]: 'many' }, { ...good.record, [name]: '0x10' }])}\n1,2\n`);
    const lines = (await saved()).trimEnd().split('\n');
    assert.deepEqual(lines.map((line) => line.endsWith(',,')), [false, false, true, true, true]);
    const news = await page.locator('.news').textContent();
    assert.match(news, /1 row scored/);
    assert.match(news, /3 rows set aside/);
    assert.match(news, /row 2: .*many/);
    assert.match(news, /row 3: .*0x10/);
    assert.match(news, /row 4: has 2 values/);
  });

  for (const [what, text, message] of [
    ['without a column', 'a,b\n1,2\n', /lacks \d+ columns/],
    ['empty', '', /the file is empty/],
  ]) {
    test(`${what} is refused with what to do`, async () => {
      await open(bundle.model);
      await drop(text);
      await page.getByText('Not scored').waitFor();
      assert.match(await page.locator('.news').textContent(), message);
    });
  }

  test('that has predictions already is refused', async () => {
    await open(bundle.model);
    await drop(csv([{ ...bundle.rows[0].record, label: 'x' }]));
    await page.getByText('already has a column').waitFor();
  });

  test('never leaves the page', async () => {
    await open(bundle.model);
    const requests = [];
    page.on('request', (request) => requests.push(request));
    await drop(csv([bundle.rows[0].record]));
    await saved();
    const others = requests.filter((request) => request.method() !== 'GET' || !/^blob:|\.(js|wasm|svg)$/.test(request.url()));
    assert.deepEqual(others.map((request) => request.url()), []);
  });
});

describe('a bad model', () => {
  for (const [what, model, message] of [
    ['missing', undefined, /there is no model at \.\/model\/model\.onnx/],
    ['cut off', bundle.model.slice(0, bundle.model.length / 2), /./],
    ['not ONNX', new TextEncoder().encode('this is not a model'), /./],
    ['empty', new Uint8Array(), /./],
  ]) {
    test(`${what}: the page says so and what to do`, async () => {
      await open(model);
      assert.equal(await page.evaluate(() => document.documentElement.dataset.state), 'failed');
      const alert = page.getByRole('alert');
      assert.match(await alert.locator('.message').textContent(), message);
      assert.ok((await alert.locator('.remedy').textContent()).length > 10);
    });
  }

  test('beside the manifest of another contract: its metrics are not shown', async () => {
    const manifest = { contract: 'ab12', validation: { roc_auc: 0.987 } };
    await open(bundle.model, { manifest: new TextEncoder().encode(JSON.stringify(manifest)) });
    const facts = await page.locator('.facts').textContent();
    assert.match(facts, /describes another contract/);
    assert.doesNotMatch(facts, /0\.987/);
  });
});

describe('what leaves the page', () => {
  test('nothing, while logging is off', async () => {
    await open(bundle.model);
    const requests = [];
    page.on('request', (request) => requests.push(request.url()));
    await fill(bundle.rows[0].record);
    await page.waitForTimeout(1300);
    const others = requests.filter((url) => !url.endsWith('/mark.svg'));
    assert.deepEqual([others, posted], [[], []]);
  });

  test('one record for each prediction that stands, once logging is on', async () => {
    await open(bundle.model);
    await fill(bundle.rows[0].record);
    await page.getByRole('switch', { name: 'Log my predictions' }).check();
    assert.match(await page.locator('#tagline').textContent(), /Logging is on/);
    await page.getByText('1 sent').waitFor();
    await fill(bundle.rows[1].record);
    await page.getByText('2 sent').waitFor();
    const records = posted.map((body) => JSON.parse(body));
    assert.deepEqual(records.map((record) => record.features), [bundle.rows[0].record, bundle.rows[1].record]);
    assert.deepEqual(records.map((record) => record.source), ['page', 'page']);
    assert.equal(new Set(records.map((record) => record.id)).size, 2);
    checkRow(records[0], bundle.rows[0]);
  });

  test('a collector that asks for a key gets it, and the tab remembers it', async () => {
    await open(bundle.model);
    answer = 401;
    await page.getByRole('switch', { name: 'Log my predictions' }).check();
    await page.getByText('not logged: the collector asks for a key').waitFor();
    const field = page.getByLabel('API key of the collector');
    await field.fill('wrong');
    await field.press('Enter');
    await page.getByText('not logged: the collector does not know this key').waitFor();
    await field.fill('schlüssel 🔑');
    await field.press('Enter');
    await page.getByText('not logged: a key of the collector has ASCII signs only').waitFor();
    answer = 200;
    await field.fill('open sesame');
    await field.press('Enter');
    await page.getByText('1 sent').waitFor();
    assert.equal(await field.isVisible(), false);
    assert.deepEqual(keys, [undefined, 'wrong', 'open sesame']);
  });

  test('a collector that refuses is reported, and the page goes on', async () => {
    await open(bundle.model);
    answer = 503;
    await page.getByRole('switch', { name: 'Log my predictions' }).check();
    await page.getByText('not logged: the collector answered 503').waitFor();
    await fill(bundle.rows[0].record);
    checkProbabilities((await shown()).probabilities, bundle.rows[0]);
  });
});
