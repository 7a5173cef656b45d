#!/usr/bin/env node
// Says in plain words what a demo came to.
//   .ci/demo-summary.mjs HOME
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const home = process.argv[2];
const read = (...path) => JSON.parse(readFileSync(join(home, ...path), 'utf8'));
const report = read('monitor', 'report.json');
const prepared = read('prepared', 'prepared.json');
const production = read('production', 'manifest.json');

const first = report.versions[0];
const judged = report.windows.filter((window) => window.n_rows >= report.rules.minimum_rows);
const tidemark = report.rules.rule === 'tidemark';
const drifted = judged.filter((window) => (tidemark ? window.prediction_verdict : window.prediction)?.drifted);
/** How far predictions moved, and how far they may, by the rule in force. */
const moved = (window) => (tidemark ? [window.prediction_verdict.effect, window.prediction_verdict.matters_from] : [window.prediction.value, report.rules.prediction_drift]);
const worst = drifted.reduce((worst, window) => (worst && moved(worst)[0] >= moved(window)[0] ? worst : window), null);
const names = (windows) => windows.map((window) => window.name).join(' ');
const calm = judged.filter((window) => !drifted.includes(window));
const months = calm.length && calm.length < drifted.length ? `all but ${names(calm)}` : names(drifted) || 'none';
const alerts = report.alerts.filter((alert) => alert.name === 'PredictionDrift');
const of_columns = report.alerts.length - alerts.length;
const answers = alerts.map((alert) => alert.answer).filter(Boolean);
const n_failed = answers.filter((answer) => answer.outcome === 'failed').length;
const failed = n_failed ? ` (${n_failed} FAILED)` : '';
const promoted = answers.filter((answer) => answer.outcome === 'promoted');
const compared = report.windows.filter((window) => window.shadow);
const n = compared.reduce((sum, window) => sum + window.n_rows, 0);
// A month of one class has no AUC, and does not count in its mean.
const mean = (pick) => {
  const known = compared.filter((window) => pick(window) !== null);
  return known.reduce((sum, window) => sum + pick(window) * window.n_rows, 0) / known.reduce((sum, window) => sum + window.n_rows, 0);
};
const number = (value, digits = 3) => value.toFixed(digits);

const facts = [
  ['data', `${prepared.synthetic ? 'SYNTHETIC ROWS; ' : ''}trained on ${prepared.first_date} to ${first.trained_until}, replayed ${prepared.test_from} to ${prepared.last_date}`],
  ['first model', `version ${first.version}, ${first.family}, AUC ${number(first.validation.roc_auc)} on validation rows of its own time`],
  ['drift', `${drifted.length} of the ${judged.length} months with ${report.rules.minimum_rows} predictions or more: ${months}`],
  ['furthest', worst ? `${worst.name}: ${number(moved(worst)[0], 2)} where ${number(moved(worst)[1], 2)} is allowed` : 'none'],
  ['alerts', `${alerts.length} fired, ${answers.length} answered by a retrain${failed}; challengers that were better and went into production: ${promoted.length}`],
  ['columns', `${of_columns} alerts, which ask for no retrain`],
];
if (n > 0) {
  const losses = `log loss ${number(mean((w) => w.performance.log_loss))} instead of ${number(mean((w) => w.shadow.log_loss))}`;
  const areas = `mean monthly AUC ${number(mean((w) => w.performance.roc_auc))} instead of ${number(mean((w) => w.shadow.roc_auc))}`;
  facts.push(['what retraining changed', `on the ${n} rows since: ${losses}, ${areas}, had the first model stayed`]);
}
facts.push(['in production', `version ${production.version}, ${production.family}, knows rows up to ${production.data.last_date}`]);

const width = Math.max(...facts.map(([name]) => name.length));
for (const [name, text] of facts) console.log(`  ${name.padEnd(width)}  ${text}`);
