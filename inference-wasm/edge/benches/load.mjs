#!/usr/bin/env node
/**
 * A long load on plain workerd, with models swapped and the collector stopped and started meanwhile:
 * no answer may fail, no line of the log be lost, and memory stay flat.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { deployment, startWorkerd } from './programs.mjs';

const PUBLISH = join(import.meta.dirname, '..', 'publish.mjs');
const CONNECTIONS = 16;
const BEST_SECS = 2;
const SHARE_OF_BEST = 0.8;
/** The share of the time in which the collector is down, from when on. */
const DOWN = { from: 0.3, to: 0.55 };
const DRAIN_MS = 60_000;

const HELP = `usage: node load.mjs BUNDLE BUNDLE [--seconds 20] [--swap-secs 2] [--rate PER_SECOND]

  BUNDLE       folders with model.onnx, golden.json and manifest.json, of different versions; they take turns
  --seconds    how long the load lasts; 1800 for the long run
  --swap-secs  how often the model is swapped
  --rate       requests per second [default: 80 % of what it can]
`;

/** The dead letters in a folder; those that are being written bear another name. */
export const letterNames = (folder) => readdirSync(folder).filter((name) => name.endsWith('.ndjson'));

/** Runs the load and returns what came of it. */
export async function runLoad({ bundles, seconds, swapSecs, rate }) {
  const deployed = await deployment(join(bundles[0], 'model.onnx'));
  const models = join(deployed.folder, 'models');
  const publish = (bundle) => execFileSync(process.execPath, [PUBLISH, bundle, '--to', models], { stdio: ['ignore', 'ignore', 'inherit'] });
  const collector = await new Collector().start();
  publish(bundles[0]);
  const env = { COLLECTOR_URL: collector.url, MODEL_CHECK_SECS: '0.5', LOG_RETRY_SECS: '600', LOG_BUFFER_LINES: '20000' };
  const worker = await startWorkerd(deployed.folder, env);
  const client = new Client(worker.url, bundles[0]);
  const memory = [];
  let swaps = 0;
  try {
    await client.best(1);
    const best = await client.best(BEST_SECS);
    const pace = rate ?? best * SHARE_OF_BEST;
    const timers = [
      setInterval(() => memory.push(worker.residentMb()), Math.min(1000, seconds * 20)),
      setInterval(() => publish(bundles[++swaps % bundles.length]), swapSecs * 1000),
      setTimeout(() => collector.stop(), seconds * 1000 * DOWN.from),
      setTimeout(() => collector.start(), seconds * 1000 * DOWN.to),
    ];
    await client.load(seconds, pace);
    timers.forEach(clearInterval);
    const dead = await drained(client, collector, join(deployed.folder, 'letters'));
    const kept = new Set([...collector.kept.keys(), ...dead]);
    return {
      seconds,
      rate: pace,
      best,
      answers: client.answered.size,
      failures: client.failures,
      swaps,
      versions: [...client.versions].sort(),
      lost: [...client.answered].filter((id) => !kept.has(id)).length,
      strangers: [...kept].filter((id) => !client.answered.has(id)).length,
      doubled: collector.doubled,
      sentAgain: collector.sentAgain,
      deadLetters: dead.length,
      reconnected: client.reconnected,
      memoryMb: { early: median(memory.slice(memory.length >> 2, memory.length >> 1)), late: median(memory.slice((memory.length * 3) >> 2)), over: thinned(memory) },
      health: await client.health(),
    };
  } finally {
    await worker.stop();
    await collector.stop();
    client.close();
    deployed.remove();
  }
}

/** Waits until nothing waits to be sent; returns the ids among the dead letters. */
async function drained(client, collector, letters) {
  const dead = () => letterNames(letters).flatMap((name) => readFileSync(join(letters, name), 'utf8').trim().split('\n')).map((line) => JSON.parse(line).id);
  for (const end = Date.now() + DRAIN_MS; Date.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    const { log } = await client.health();
    if (log.waiting === 0 && collector.kept.size + log.dead >= client.answered.size) break;
  }
  return dead();
}

/** Keeps a prediction once, as the monitor's collector does: by id, day and version. */
class Collector {
  kept = new Map();
  sentAgain = 0;
  doubled = 0;
  #server;

  async start() {
    this.#server = createServer((request, response) => {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        for (const line of Buffer.concat(chunks).toString().trim().split('\n')) this.#keep(JSON.parse(line));
        response.end('{}');
      });
      request.on('error', () => {});
    });
    await new Promise((resolve) => this.#server.listen(this.port ?? 0, '127.0.0.1', resolve));
    this.port = this.#server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  /** The same id under another version, time or answer would be a prediction that is logged twice. */
  #keep({ id, version, time, label }) {
    const what = `${version} ${time} ${label}`;
    const known = this.kept.get(id);
    if (known === undefined) this.kept.set(id, what);
    else if (known === what) this.sentAgain += 1;
    else this.doubled += 1;
  }

  stop() {
    return new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }
}

/** Posts records under ids of its own. */
class Client {
  answered = new Set();
  versions = new Set();
  failures = [];
  reconnected = 0;
  #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  #n = 0;

  constructor(url, bundle) {
    this.url = url;
    this.bodies = JSON.parse(readFileSync(join(bundle, 'golden.json'), 'utf8')).rows.map((row) => JSON.stringify(row.record));
  }

  /** Requests per second that it can, as fast as answers come. */
  async best(seconds) {
    const before = this.#n;
    const end = Date.now() + seconds * 1000;
    const one = async () => {
      while (Date.now() < end) await this.#ask();
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, one));
    return (this.#n - before) / seconds;
  }

  /** Requests at a rate, however the answers come; no more than the connections wait at once. */
  async load(seconds, rate) {
    const begun = Date.now();
    const end = begun + seconds * 1000;
    let sent = 0;
    const one = async () => {
      while (Date.now() < end) {
        const due = begun + (sent++ * 1000) / rate;
        const early = due - Date.now();
        if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
        await this.#ask();
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, one));
  }

  async #ask() {
    const id = `load-${this.#n++}`;
    try {
      const { status, body } = await this.#send('POST', '/predict', this.bodies[this.#n % this.bodies.length], { 'x-request-id': id });
      if (status !== 200) throw new Error(`status ${status}: ${body}`);
      const answer = JSON.parse(body);
      this.answered.add(answer.id);
      this.versions.add(answer.model.version);
    } catch (error) {
      if (this.failures.length < 10) this.failures.push(error.message);
    }
  }

  async health() {
    return JSON.parse((await this.#send('GET', '/health')).body);
  }

  #send(method, path, body, headers = {}) {
    const length = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    return new Promise((resolve, reject) => {
      const sent = request(this.url + path, { method, agent: this.#agent, headers: { ...headers, ...length } }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => (text += chunk)).on('end', () => resolve({ status: response.statusCode, body: text }));
        response.on('error', reject);
      });
      // The server may close a connection that was idle just as it is used again; a request that it never saw is sent anew.
      const again = () => {
        this.reconnected += 1;
        this.#send(method, path, body, headers).then(resolve, reject);
      };
      sent.on('error', (error) => (sent.reusedSocket && error.code === 'ECONNRESET' ? again() : reject(error))).end(body);
    });
  }

  close() {
    this.#agent.destroy();
  }
}

/** Twenty of many, from first to last. */
function thinned(numbers) {
  return Array.from({ length: 20 }, (_, at) => Math.round(numbers[Math.floor((at * (numbers.length - 1)) / 19)]));
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
}

async function main(args) {
  const options = { seconds: { type: 'string', default: '20' }, 'swap-secs': { type: 'string', default: '2' }, rate: { type: 'string' }, help: { type: 'boolean' } };
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (values.help || positionals.length < 2) return process.stdout.write(HELP);
  const rate = values.rate && Number(values.rate);
  const result = await runLoad({ bundles: positionals.map((path) => resolve(path)), seconds: Number(values.seconds), swapSecs: Number(values['swap-secs']), rate });
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  const { failures, lost, doubled, strangers } = result;
  if (failures.length || lost || doubled || strangers) process.exitCode = 1;
  return undefined;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
