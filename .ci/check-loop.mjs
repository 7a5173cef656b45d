#!/usr/bin/env node
// Reads what a demo left in its home folder, and says what is wrong with it.
//   .ci/check-loop HOME PROGRAMS
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const Ajv2020 = createRequire(new URL('../web/package.json', import.meta.url))('ajv/dist/2020.js');

const [home, programs] = process.argv.slice(2);
const read = (...path) => readFileSync(join(home, ...path), 'utf8');
const monitor = (...args) =>
  spawnSync(join(programs, 'monitor'), ['--home', home, '--json', ...args], { encoding: 'utf8', maxBuffer: 1 << 28 });
const lines = (...path) => read(...path).trim().split('\n').map((line) => JSON.parse(line));

/** The schema without its leniency towards fields that it does not name. */
function withoutUnknown(schema) {
  if (typeof schema !== 'object' || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(withoutUnknown);
  const strict = Object.fromEntries(Object.entries(schema).map(([name, inner]) => [name, withoutUnknown(inner)]));
  return typeof schema.properties === 'object' && schema.type === 'object' ? { ...strict, additionalProperties: false } : strict;
}

const formats = { date: /^\d{4}-\d\d-\d\d$/, 'date-time': (text) => text.includes('T') && !Number.isNaN(Date.parse(text)) };

/** Fails unless a file follows its schema, which must know each field of it. */
function follows(file, name) {
  const schema = JSON.parse(readFileSync(new URL(`../monitor/${name}`, import.meta.url), 'utf8'));
  const validate = new Ajv2020({ allErrors: true, formats }).compile(withoutUnknown(schema));
  assert.ok(validate(file), JSON.stringify(validate.errors?.slice(0, 5)));
  assert.ok(!validate({ ...file, format: 0 }) && !validate({ ...file, more: 1 }));
}

const checks = {
  'the data are the real ones, whole and dated': () => {
    const prepared = JSON.parse(read('prepared', 'prepared.json'));
    assert.equal(prepared.n_train + prepared.n_validation + prepared.n_test + prepared.n_set_aside, 45211);
    assert.equal(prepared.n_set_aside, 0);
    assert.deepEqual([prepared.first_date, prepared.last_date], ['2008-05-05', '2010-11-17']);
    assert.equal(prepared.synthetic, false);
  },
  'every month after training was replayed, labelled and compared': () => {
    const report = JSON.parse(read('monitor', 'report.json'));
    const months = new Set(report.windows.map((window) => window.name));
    assert.equal(months.size, 19, [...months].join(' '));
    assert.equal(report.windows.reduce((sum, window) => sum + window.n_rows, 0), JSON.parse(read('prepared', 'prepared.json')).n_test);
    assert.ok(report.windows.every((window) => window.performance.n_labelled === window.n_rows));
  },
  'the report follows its schema, and so does one by segments': () => {
    follows(JSON.parse(read('monitor', 'report.json')), 'report.schema.json');
    const output = mkdtempSync(join(tmpdir(), 'segments-'));
    const report = JSON.parse(monitor('report', '--segment', 'job', '--output', output).stdout);
    rmSync(output, { recursive: true });
    assert.ok(report.segments.segments.length > 5 && report.segments.problems.length === 0);
    follows(report, 'report.schema.json');
  },
  'a comparison of two months follows its schema': () => {
    const names = JSON.parse(read('monitor', 'report.json')).windows.map((window) => window.name);
    const { status, stdout } = monitor('report', '--compare', names[0], names.at(-2));
    assert.equal(status, 1);
    const outcome = JSON.parse(stdout);
    assert.ok(outcome.drifted && outcome.columns.length === 15);
    follows(outcome, 'compare.schema.json');
  },
  'predictions drifted, alerts fired, and each was answered': () => {
    const alerts = JSON.parse(read('monitor', 'report.json')).alerts.filter((alert) => alert.name === 'PredictionDrift');
    assert.ok(alerts.length > 0);
    const answered = new Set(lines('registry', 'history.ndjson').filter((line) => line.event === 'retrained').map((line) => line.alert));
    assert.ok(alerts.every((alert) => answered.has(alert.fingerprint)), 'an alert has no answer in the history');
  },
  'a retrained version is served, and only better ones were promoted': () => {
    const manifest = JSON.parse(read('production', 'manifest.json'));
    assert.ok(manifest.data.n_logged > 0);
    const retrained = lines('registry', 'history.ndjson').filter((line) => line.event === 'retrained');
    assert.ok(retrained.some((line) => line.outcome === 'promoted'));
    for (const line of retrained) assert.equal(line.outcome === 'promoted', line.reason.startsWith('better'), line.reason);
  },
  'retraining helped: lower log loss than the first model on the same rows': () => {
    const compared = JSON.parse(read('monitor', 'report.json')).windows.filter((window) => window.shadow?.log_loss);
    assert.ok(compared.length > 0);
    const mean = (pick) => compared.reduce((sum, w) => sum + pick(w) * w.n_rows, 0) / compared.reduce((sum, w) => sum + w.n_rows, 0);
    assert.ok(mean((w) => w.performance.log_loss) < mean((w) => w.shadow.log_loss));
  },
  'the worker logged its prediction through the collector': () => {
    const logged = readdirSync(join(home, 'collected')).some((name) => name.startsWith('predictions') && read('collected', name).includes('"edge"'));
    const today = new Date().toISOString().slice(0, 4);
    const written = readdirSync(join(home, 'predictions')).some((name) => name.startsWith(`dt=${today}`));
    assert.ok(logged || written);
  },
  'the report is one small file that loads nothing': () => {
    const path = join(home, 'monitor', 'report.html');
    assert.ok(statSync(path).size < 300_000);
    assert.doesNotMatch(read('monitor', 'report.html'), /<(script|link|img|iframe)[^>]+(src|href)=(?!"data:)/);
  },
  'nothing half written is left': () => {
    assert.ok(!existsSync(join(home, 'registry', '.writing')));
    assert.ok(!readdirSync(join(home, 'registry', 'versions')).some((name) => name.startsWith('.')));
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    check();
    console.log(`ok: ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED: ${name}: ${error.message}`);
  }
}
console.log(`${Object.keys(checks).length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
