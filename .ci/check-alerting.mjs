#!/usr/bin/env node
// The real Prometheus and Alertmanager between `monitor serve` and `trainer retrain --listen`, with the configurations that ship:
// a silenced alert reaches no one, one that is not silenced ends in a retrain, a calm window ends the alerts of windows, and every panel
// of the dashboard has data.
//   .ci/check-alerting.mjs HOME [PROGRAMS]     HOME is what a demo left; it is copied
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const [source, programs = 'target/release'] = process.argv.slice(2).map((path) => resolve(path));
const monitorPort = 18090;
const retrainPort = 16799;
const onCallPort = 16798;
const prometheus = 'http://127.0.0.1:19090';
const alertmanager = 'http://127.0.0.1:19093';

const missing = ['prometheus', 'prometheus-alertmanager', 'promtool'].filter((name) => spawnSync(name, ['--version']).error);
if (missing.length > 0) {
  console.error(`SKIPPED: alerting was not tested, for lack of ${missing.join(', ')}`);
  console.error('hint: Debian: apt-get install prometheus prometheus-alertmanager');
  process.exit(process.env.CI ? 1 : 0);
}

const folder = mkdtempSync(join(tmpdir(), 'tidemark-alerting-'));
const home = join(folder, 'home');
const running = [];
const started = Date.now();
const say = (text) => console.log(`${((Date.now() - started) / 1000).toFixed(1).padStart(5)} s  ${text}`);

function start(program, args) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  child.log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (child.log += data));
  running.push(child);
  return child;
}

async function until(what, probe, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await Promise.resolve().then(probe).catch(() => null);
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}\n${running.map((child) => `-- ${child.spawnfile}\n${child.log.slice(-2000)}`).join('\n')}`);
    await sleep(100);
  }
}

async function get(url) {
  const answer = await fetch(url);
  assert.ok(answer.ok, `${url}: ${answer.status}`);
  return answer.json();
}

async function post(url, body) {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const text = await answer.text();
  assert.ok(answer.ok, `${url}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

const alertsOf = async (name) => (await get(`${alertmanager}/api/v2/alerts`)).filter((alert) => alert.labels.alertname === name);
const retrained = () =>
  readFileSync(join(home, 'registry/history.ndjson'), 'utf8').trim().split('\n').map((line) => JSON.parse(line)).filter((line) => line.event === 'retrained');

/** A configuration that ships, with ports of its own and without its patience. */
function shipped(name) {
  const quick = readFileSync(join('monitor/prometheus', name), 'utf8')
    .replaceAll('127.0.0.1:8080', `127.0.0.1:${monitorPort}`)
    .replaceAll('127.0.0.1:6790', `127.0.0.1:${retrainPort}`)
    .replaceAll('127.0.0.1:9093', alertmanager.replace('http://', ''))
    .replace('- name: on-call', `$&\n    webhook_configs: [{ url: 'http://127.0.0.1:${onCallPort}/', send_resolved: true }]`)
    .replace(/(scrape_interval|evaluation_interval|group_wait|group_interval): \w+/g, '$1: 1s');
  const path = join(folder, name);
  writeFileSync(path, quick);
  return path;
}

/** What those on call are told, by Alertmanager. */
const told = [];
const onCall = createServer(async (request, answer) => {
  const body = [];
  for await (const part of request) body.push(part);
  told.push(...JSON.parse(Buffer.concat(body)).alerts);
  answer.end();
});

/** A month after all others, complete, whose probabilities are those of the reference of the version in production. */
async function calmMonth() {
  const read = (name) => JSON.parse(readFileSync(join(home, 'production', name), 'utf8'));
  const [manifest, reference, golden] = ['manifest.json', 'reference.json', 'golden.json'].map(read);
  const now = new Date();
  const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 15));
  const all = reference.prediction.values.flatMap(([probability, n]) => Array(n).fill(probability));
  const some = all.filter((_, at) => at % Math.ceil(all.length / 500) === 0);
  const { record, probabilities } = golden.rows[0];
  const [other, followed] = Object.keys(probabilities);
  const predictions = some.map((probability, at) => ({
    format: 1, id: `calm-${at}`, time: month.toISOString(), model: manifest.name, version: manifest.version, contract: reference.contract, source: 'batch',
    features: record, label: probability > manifest.threshold ? followed : other, probabilities: { [other]: 1 - probability, [followed]: probability },
  }));
  await post(`http://127.0.0.1:${monitorPort}/v1/predictions`, predictions);
  execFileSync(join(programs, 'monitor'), ['--home', home, 'ingest']);
  return month.toISOString().slice(0, 7);
}

/** A rule so strict, or so lax, that the newest window breaks it, or does not. */
function report(threshold, ...args) {
  for (const name of readdirSync(home).filter((name) => name.endsWith('.toml'))) {
    const path = join(home, name);
    const rest = readFileSync(path, 'utf8').replace(/\n\[rules\][^]*?(?=\n\[|$)/, '\n');
    writeFileSync(path, `${rest}\n[rules]\nrule = "evidently"\nprediction_drift = ${threshold}\n`);
  }
  const { status, stderr } = spawnSync(join(programs, 'monitor'), ['--home', home, 'report', ...args], { encoding: 'utf8' });
  assert.ok(status === 0 || status === 1, stderr);
}

async function check() {
  await new Promise((up) => onCall.listen(onCallPort, '127.0.0.1', up));
  execFileSync('promtool', ['check', 'rules', 'monitor/prometheus/alerts.yml']);
  cpSync(source, home, { recursive: true });
  rmSync(join(home, 'monitor/alerts.json'), { force: true });
  report(1e-6);
  start(join(programs, 'monitor'), ['--home', home, 'serve', '--listen', `127.0.0.1:${monitorPort}`]);
  start(join(programs, 'trainer'), ['--home', home, 'retrain', '--listen', `127.0.0.1:${retrainPort}`]);
  start('prometheus-alertmanager', [`--config.file=${shipped('alertmanager.yml')}`, `--storage.path=${join(folder, 'alertmanager')}`, `--web.listen-address=${alertmanager.replace('http://', '')}`, '--cluster.listen-address=']);
  await until('monitor answers', () => fetch(`http://127.0.0.1:${monitorPort}/health`));
  await until('trainer answers', () => fetch(`http://127.0.0.1:${retrainPort}/health`));
  await until('Alertmanager answers', () => get(`${alertmanager}/api/v2/status`));

  const now = Date.now();
  const silence = await post(`${alertmanager}/api/v2/silences`, {
    matchers: [{ name: 'alertname', value: 'TidemarkPredictionDrift', isRegex: false, isEqual: true }],
    startsAt: new Date(now).toISOString(),
    endsAt: new Date(now + 600_000).toISOString(),
    createdBy: 'check',
    comment: 'someone is at it',
  });
  shipped('alerts.yml');
  start('prometheus', [`--config.file=${shipped('prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'prometheus')}`, `--web.listen-address=${prometheus.replace('http://', '')}`]);

  const n_before = retrained().length;
  await until('Prometheus fires and the silence holds', async () => (await alertsOf('TidemarkPredictionDrift'))[0]?.status.state === 'suppressed');
  await sleep(3000);
  assert.equal(retrained().length, n_before, 'a silenced alert was answered');
  say('Prometheus fired TidemarkPredictionDrift; silenced, it reached no one');

  await fetch(`${alertmanager}/api/v2/silence/${silence.silenceID}`, { method: 'DELETE' });
  const [alert] = await alertsOf('TidemarkPredictionDrift');
  const answer = await until('the trainer answers the alert', () => retrained().find((line) => line.alert === alert.fingerprint), 40);
  say(`no longer silenced, it was answered: ${answer.outcome}, ${answer.reason}`);

  await until('Prometheus has scraped for a while', async () => (await query('count_over_time(tidemark_build_info[1h]) > 5')).length, 20);
  const dashboard = JSON.parse(readFileSync('monitor/grafana/dashboards/tidemark.json', 'utf8'));
  assert.equal(dashboard.panels.length, 6);
  for (const panel of dashboard.panels) {
    for (const { expr } of panel.targets) {
      const series = await query(expr.replaceAll('$model', '.+'));
      assert.ok(series.length > 0, `${panel.title}: no data for ${expr}`);
      assert.ok(series.every(({ value }) => Number.isFinite(Number(value[1]))), `${panel.title}: ${expr}`);
    }
  }
  say('every query of the dashboard has data');

  report(1e-6, '--alertmanager', alertmanager, '--external-url', `http://127.0.0.1:${monitorPort}`);
  const posted = await until('Alertmanager holds what the report posted', () => alertsOf('PredictionDrift').then((alerts) => alerts.length && alerts));
  const book = JSON.parse(readFileSync(join(home, 'monitor/alerts.json'), 'utf8')).alerts.map((entry) => entry.alert);
  const key = ({ labels }) => JSON.stringify(Object.entries(labels).sort());
  const firing = new Map(book.filter((alert) => alert.status === 'firing').map((alert) => [key(alert), alert]));
  assert.deepEqual(new Set(posted.map(key)), new Set(firing.keys()));
  for (const alert of posted) {
    assert.equal(alert.generatorURL, `http://127.0.0.1:${monitorPort}/report`);
    assert.equal(Date.parse(alert.startsAt), Date.parse(firing.get(key(alert)).startsAt));
    assert.ok(Date.parse(alert.endsAt) > Date.now() + 86_400_000);
  }
  say(`a report posted ${posted.length} alerts of windows to Alertmanager`);

  const ofWindow = (status) => told.filter((alert) => alert.labels.alertname === 'PredictionDrift' && alert.status === status);
  const keys = (alerts) => new Set(alerts.map(key));
  await until('those on call are told of them', () => keys(ofWindow('firing')).size === firing.size);
  const answered = () => new Set(retrained().map((line) => line.alert));
  await until('the trainer answers each', () => posted.every((alert) => answered().has(alert.fingerprint)), 40);
  const calm = await calmMonth();
  const n_retrained = retrained().length;
  report(0.1, '--alertmanager', alertmanager, '--external-url', `http://127.0.0.1:${monitorPort}`);
  await until('those on call are told of each end', () => keys(ofWindow('resolved')).size === firing.size);
  assert.equal((await alertsOf('PredictionDrift')).length, 0);
  const ended = new Map(JSON.parse(readFileSync(join(home, 'monitor/alerts.json'), 'utf8')).alerts.map(({ alert }) => [key(alert), alert]));
  for (const alert of ofWindow('resolved')) {
    assert.equal(ended.get(key(alert)).status, 'resolved');
    assert.equal(Date.parse(alert.endsAt), Date.parse(ended.get(key(alert)).endsAt));
  }
  assert.equal(retrained().length, n_retrained, 'an end was answered by a retrain');
  say(`${calm} was calm: Alertmanager ended ${firing.size} alerts of windows, and told those on call`);

  report(1e6);
  await until('the alert is over', async () => (await alertsOf('TidemarkPredictionDrift')).length === 0);
  say('a calm report ended the alert of Prometheus');
}

async function query(expr) {
  const answer = await get(`${prometheus}/api/v1/query?query=${encodeURIComponent(expr)}`);
  return answer.data.result;
}

try {
  await check();
} finally {
  onCall.close();
  onCall.closeAllConnections();
  for (const child of running) child.kill();
  await Promise.all(running.map((child) => child.exitCode ?? child.signalCode ?? new Promise((done) => child.on('exit', done))));
  rmSync(folder, { recursive: true, force: true });
}
