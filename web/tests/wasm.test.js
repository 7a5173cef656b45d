/** Both builds of the WebAssembly package in Node: golden records, refusals, log lines and memory. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { withBackground } from './support/background.js';
import { bundles, checkRow } from './support/golden.js';

const ROOT = join(import.meta.dirname, '..', '..');
const N_LOADS = 1000;

/** A build of the package: its class, and its memory in bytes. */
async function load(build) {
  const folder = join(ROOT, 'inference-wasm', 'pkg', build);
  const module = await import(join(folder, 'inference_wasm.js'));
  const { memory } = module.initSync({ module: readFileSync(join(folder, 'inference_wasm_bg.wasm')) });
  return { Predictor: module.Predictor, memory: () => memory.buffer.byteLength };
}

const builds = { lite: await load('lite'), full: await load('full') };

for (const [build, { Predictor, memory }] of Object.entries(builds)) {
  const checkRefused = (bytes) =>
    assert.throws(
      () => new Predictor(bytes),
      (error) => error instanceof Error && error.message.length > 0 && typeof error.hint === 'string' && error.hint.length > 0,
    );

  const explained = (model) => {
    const predictor = new Predictor(model);
    const contract = predictor.contract();
    predictor.free();
    return new Predictor(withBackground(model, contract));
  };

  for (const bundle of bundles()) {
    describe(`${bundle.name} in Node, ${build} build`, () => {
      test('every golden record gets its golden probabilities', () => {
        const predictor = new Predictor(bundle.model);
        for (const row of bundle.rows) checkRow(predictor.predict(row.record), row);
        predictor.free();
      });

      test('many records at once get the same answers', () => {
        const predictor = new Predictor(bundle.model);
        const predictions = predictor.predictMany(bundle.rows.map((row) => row.record));
        assert.equal(predictions.length, bundle.rows.length);
        predictions.forEach((prediction, index) => checkRow(prediction, bundle.rows[index]));
        predictor.free();
      });

      test('an explanation adds up to the prediction', () => {
        const predictor = explained(bundle.model);
        for (const { record } of bundle.rows.slice(0, 10)) {
          const { base, value, base_probability, probability, contributions, ...explanation } = predictor.explain(record);
          const sum = (name) => contributions.reduce((total, contribution) => total + contribution[name], 0);
          assert.ok(Math.abs(base + sum('contribution') - value) < 1e-4, JSON.stringify(record));
          assert.ok(Math.abs(base_probability + sum('points') - probability) < 1e-4, JSON.stringify(record));
          const predicted = predictor.predict(record).probabilities[explanation.class];
          assert.ok(Math.abs(predicted - probability) < 1e-6);
          assert.deepEqual(contributions.map(({ column }) => column), Object.keys(record));
        }
        predictor.free();
      });

      test('a counterfactual changes the decision, and only the columns that are named', () => {
        const predictor = explained(bundle.model);
        let n_found = 0;
        for (const { record, label } of bundle.rows.slice(0, 10)) {
          const names = Object.keys(record).slice(0, -1);
          const found = predictor.counterfactual(record, names);
          if (!found) continue;
          n_found += 1;
          const changed = { ...record, ...Object.fromEntries(found.changes.map(({ column, to }) => [column, to])) };
          assert.notEqual(found.prediction.label, label);
          assert.deepEqual(predictor.predict(changed), found.prediction);
          assert.ok(found.changes.every(({ column, from }) => names.includes(column) && from === record[column]), JSON.stringify(found.changes));
        }
        assert.ok(n_found > 0);
        assert.equal(predictor.counterfactual(bundle.rows[0].record, []), undefined);
        assert.throws(() => predictor.counterfactual(bundle.rows[0].record, ['colour']), /no column `colour`/);
        assert.throws(() => predictor.counterfactual(bundle.rows[0].record, 'age'), /are no list/);
        predictor.free();
      });

      test('a log line names the model and holds record and answer', () => {
        const predictor = new Predictor(bundle.model);
        const [{ record, label }] = bundle.rows;
        const line = predictor.logRecord(record, predictor.predict(record), 'r-1', '2026-01-02T03:04:05Z');
        const logged = JSON.parse(line);
        const info = predictor.info();
        assert.deepEqual(
          [logged.format, logged.id, logged.time, logged.model, logged.version, logged.contract, logged.source, logged.label],
          [1, 'r-1', '2026-01-02T03:04:05Z', info.name, info.version, info.contract_digest, 'page', label],
        );
        assert.deepEqual(logged.features, record);
        assert.ok(!line.includes('\n'));
        predictor.free();
      });

      test('a cut off model is refused with a remedy', () => checkRefused(bundle.model.slice(0, bundle.model.length / 2)));
    });
  }

  test(`bytes that are no model are refused with a remedy, ${build} build`, () => {
    checkRefused(new Uint8Array());
    checkRefused(new TextEncoder().encode('<!doctype html>'));
  });

  test(`a bad record is refused by column name, and the predictor goes on, ${build} build`, () => {
    const [bundle] = bundles();
    const predictor = new Predictor(bundle.model);
    const [{ record }] = bundle.rows;
    const [first] = Object.keys(record);
    const { [first]: _, ...rest } = record;
    assert.throws(() => predictor.predict(rest), (error) => error.message.includes(`\`${first}\` is missing`) && error.hint.includes('null'));
    assert.throws(() => predictor.predict({ ...record, x: 1 }), /unknown column `x`/);
    assert.throws(() => predictor.predict('text'), Error);
    for (const number of [NaN, Infinity, -Infinity]) {
      const refused = (error) => error.message.endsWith(`expects a finite number, found ${number}`) && error.hint.includes('null');
      for (const { name } of predictor.contract().columns) assert.throws(() => predictor.predict({ ...record, [name]: number }), refused);
    }
    checkRow(predictor.predict(record), bundle.rows[0]);
    predictor.free();
  });

  test(`a thousand models, loaded and freed, leave no memory behind, ${build} build`, () => {
    const all = bundles();
    const round = (at) => {
      const { model, rows } = all[at % all.length];
      if (at % 4 === 3) return checkRefused(model.slice(0, model.length / 2 - at));
      // One more entry of the metadata, `test: <at>`, makes every model another one.
      const text = Buffer.from(String(at).padStart(4, '0'));
      const predictor = new Predictor(Buffer.concat([model, Buffer.from('\x72\x0c\x0a\x04test\x12\x04'), text]));
      predictor.predictMany(rows.map((row) => row.record));
      predictor.free();
    };
    for (let at = 0; at < 50; at += 1) round(at);
    const before = memory();
    for (let at = 0; at < N_LOADS; at += 1) round(at);
    assert.equal(memory(), before);
  });
}

test('a model that the trainer does not write needs the full build, and the small one says so', () => {
  const { model } = bundles().find(({ name }) => name === 'gradient-boosting');
  const changed = Buffer.from(Buffer.from(model).toString('latin1').replaceAll('BRANCH_EQ', 'BRANCH_GT'), 'latin1');
  assert.throws(
    () => new builds.lite.Predictor(changed),
    (error) => error.needsFullBuild === true && error.hint.includes('full build'),
  );
  const predictor = new builds.full.Predictor(changed);
  assert.equal(predictor.info().engine, 'tract');
  predictor.free();
});

test('the engine for any model gives every golden record its golden probabilities', () => {
  for (const { model, rows } of bundles()) {
    // One more set of operators, `x` in version 1, of which none is used, and the trainer did not write the file.
    const predictor = new builds.full.Predictor(Buffer.concat([model, Buffer.from('\x42\x05\x0a\x01x\x10\x01')]));
    assert.equal(predictor.info().engine, 'tract');
    for (const row of rows) checkRow(predictor.predict(row.record), row);
    predictor.free();
  }
});

test('a flipped byte gives a model or an error with a remedy, and the module goes on', () => {
  for (const { model, rows } of bundles()) {
    for (let at = 0; at < model.length; at += model.length > 50_000 ? 211 : 3) {
      const changed = model.slice();
      changed[at] ^= 1 << at % 8;
      try {
        const predictor = new builds.lite.Predictor(changed);
        predictor.predictMany(rows.map((row) => row.record));
        predictor.free();
      } catch (error) {
        assert.ok(typeof error.hint === 'string' && error.hint.length > 0, `byte ${at}: ${error.stack}`);
      }
    }
  }
});

test('a level is the same level every time, and a text that is none stays none', () => {
  for (const { model, rows } of bundles()) {
    const predictor = new builds.lite.Predictor(model);
    const [{ record }] = rows;
    for (const { name, kind, levels } of predictor.contract().columns) {
      if (kind !== 'categorical') continue;
      for (const text of [...levels, ` ${levels[0]} `, 'no such level', '']) {
        const first = predictor.predict({ ...record, [name]: text });
        assert.deepEqual(predictor.predict({ ...record, [name]: text }), first);
        assert.equal(first.flags.some((flag) => flag.column === name), text === 'no such level');
      }
      assert.deepEqual(predictor.predict({ ...record, [name]: ` ${levels[0]} ` }), predictor.predict({ ...record, [name]: levels[0] }));
    }
    predictor.free();
  }
});

test('feature rows give the probabilities that records give', () => {
  const [bundle] = bundles();
  const predictor = new builds.lite.Predictor(bundle.model);
  assert.equal(predictor.info().engine, 'lowered');
  const width = predictor.contract().columns.length;
  const unknown = Object.fromEntries(predictor.contract().columns.map((column) => [column.name, null]));
  const row = predictor.contract().columns.map((column) => (column.kind === 'categorical' ? -1 : NaN));
  const expected = Object.values(predictor.predict(unknown).probabilities);
  const found = [...predictor.scores(new Float32Array([...row, ...row]))];
  assert.equal(found.length, 2 * expected.length);
  found.forEach((probability, at) => assert.ok(Math.abs(probability - expected[at % expected.length]) < 1e-6));
  assert.throws(() => predictor.scores(new Float32Array(width + 1)), /expected/);
  predictor.free();
});
