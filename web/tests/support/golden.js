/** The golden records: rows with the probabilities that the fitted models themselves gave them. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'inference-wasm', 'predictor', 'tests', 'golden');
const TOLERANCE = 1e-6;

/** One bundle with golden records. */
function readBundle(folder) {
  const { rows } = JSON.parse(readFileSync(join(folder, 'golden.json'), 'utf8'));
  assert.ok(rows.length > 0, `${folder}/golden.json holds no rows`);
  const manifest = join(folder, 'manifest.json');
  return {
    name: basename(folder),
    path: join(folder, 'model.onnx'),
    model: new Uint8Array(readFileSync(join(folder, 'model.onnx'))),
    manifest: existsSync(manifest) ? new Uint8Array(readFileSync(manifest)) : undefined,
    rows,
  };
}

/** In this order; tests take the first two by their place. */
const COMMITTED = ['gradient-boosting', 'logistic-regression', 'blend'];

/** The committed bundles, and the one that TIDEMARK_BUNDLE names. */
export function bundles() {
  assert.deepEqual(readdirSync(FOLDER).sort(), COMMITTED.toSorted(), 'every committed bundle is tested');
  const committed = COMMITTED.map((name) => join(FOLDER, name));
  const named = process.env.TIDEMARK_BUNDLE ? [resolve(process.env.TIDEMARK_BUNDLE)] : [];
  return [...committed, ...named].map(readBundle);
}

/** Holds a prediction against a golden row. */
export function checkRow(prediction, row) {
  const record = JSON.stringify(row.record);
  assert.equal(prediction.label, row.label, record);
  checkProbabilities(prediction.probabilities, row);
}

/** Holds probabilities by class against a golden row, in its order. */
export function checkProbabilities(probabilities, row) {
  const record = JSON.stringify(row.record);
  assert.deepEqual(Object.keys(probabilities), Object.keys(row.probabilities), record);
  for (const [name, expected] of Object.entries(row.probabilities)) {
    const found = probabilities[name];
    assert.ok(Math.abs(found - expected) <= TOLERANCE, `${name}: ${found}, golden ${expected}, for ${record}`);
  }
}
