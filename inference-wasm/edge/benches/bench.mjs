#!/usr/bin/env node
/** What the worker costs on plain workerd, beside FastAPI with onnxruntime on the same ONNX file. Needs wrk, and Linux for /proc. */

import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { Program, deployment, freePort, startWorkerd } from './programs.mjs';

/** By then what runs often was compiled anew. */
const WARM_SECS = 3;
/** What is compared is loaded in turns, so that a machine that is slow for a while is slow for all; the middle turn counts. */
const TURNS = 5;
const CONNECTIONS = [1, 16, 64];

const HELP = `usage: node bench.mjs BUNDLE [--python PYTHON] [--seconds 10] [--json FILE]

  BUNDLE     a folder with model.onnx and golden.json, such as data/production
  --python   a Python with fastapi, uvicorn, onnxruntime and numpy; without it the worker is measured alone
  --seconds  how long each load lasts, in ${TURNS} turns
  --json     where the figures go as JSON
`;

/** The line of workerd.capnp that tells V8 how to collect garbage. */
const [V8_FLAGS] = /v8Flags = .*/.exec(readFileSync(join(import.meta.dirname, '..', 'workerd.capnp'), 'utf8'));

/** A worker that does nothing: what workerd itself costs. */
const BARE = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  ${V8_FLAGS}
  services = [(name = "main", worker = .bare)],
  sockets = [(name = "http", address = "*:8787", http = (), service = "main")],
);
const bare :Workerd.Worker = (
  modules = [(name = "bare.mjs", esModule = "export default { async fetch(r) { if (r.method === 'POST') await r.arrayBuffer(); return new Response('{}', { headers: { 'content-type': 'application/json' } }); } };")],
  compatibilityDate = "2026-04-01",
);
`;

async function main() {
  const options = { python: { type: 'string' }, seconds: { type: 'string', default: '10' }, json: { type: 'string' }, help: { type: 'boolean' } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help || positionals.length !== 1) return process.stdout.write(HELP);
  const deployed = await deployment(join(positionals[0], 'model.onnx'));
  const bench = new Bench(deployed, positionals[0], Number(values.seconds));
  try {
    const figures = await bench.run(values.python);
    process.stdout.write(table(figures));
    if (values.json) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
  } finally {
    deployed.remove();
  }
  return undefined;
}

class Bench {
  constructor(deployed, bundle, seconds) {
    this.deployed = deployed;
    this.bundle = bundle;
    this.seconds = seconds;
    this.script = join(this.deployed.folder, 'post.lua');
    const [{ record }] = JSON.parse(readFileSync(join(bundle, 'golden.json'), 'utf8')).rows;
    writeFileSync(this.script, `wrk.method = "POST"\nwrk.body = [==[${JSON.stringify(record)}]==]\nwrk.headers["content-type"] = "application/json"\n`);
    writeFileSync(join(this.deployed.folder, 'bare.capnp'), BARE);
  }

  async run(python) {
    const { folder } = this.deployed;
    const startup = await this.startup();
    const bare = await startWorkerd(folder, {}, 'bare.capnp');
    const worker = await startWorkerd(folder);
    const fastapi = python && (await this.fastapi(python));
    const loads = [
      { name: 'workerd alone, GET', program: bare, path: '/health' },
      { name: 'workerd alone, POST', program: bare, path: '/predict', script: this.script },
      { name: 'worker, GET /health', program: worker, path: '/health' },
      { name: 'worker, POST /predict', program: worker, path: '/predict', script: this.script },
      ...(fastapi ? [{ name: 'FastAPI + onnxruntime', program: fastapi, path: '/predict', script: this.script }] : []),
    ];
    const rows = CONNECTIONS.flatMap((connections) => this.inTurns(loads, connections));
    const memoryMb = worker.residentMb();
    for (const program of [bare, worker, fastapi]) await program?.stop();
    return { startup, size: this.size(), memoryMb, rows };
  }

  /** A row for each load, all of them with so many connections. */
  inTurns(loads, connections) {
    loads.forEach((load) => this.load(load, connections, WARM_SECS));
    const turns = Array.from({ length: TURNS }, () => loads.map((load) => this.load(load, connections, this.seconds / TURNS)));
    return loads.map(({ name }, at) => {
      const all = (figure) => turns.map((turn) => turn[at][figure]);
      const middle = (figure) => median(all(figure));
      return { name, connections, cpuMs: middle('cpuMs'), cpuMsByTurn: all('cpuMs'), p50Ms: middle('p50Ms'), p99Ms: middle('p99Ms'), perSec: middle('perSec') };
    });
  }

  /** CPU until the first answer, beside that of workerd with a worker that does nothing; the middle of nine, in turns. */
  async startup() {
    const configs = ['bare.capnp', 'workerd.capnp'];
    const all = configs.map(() => []);
    for (let n = 0; n < 9; n += 1) {
      for (const [at, config] of configs.entries()) {
        const program = await startWorkerd(this.deployed.folder, {}, config);
        all[at].push(program.threadsCpuSecs() * 1000);
        await program.stop();
      }
    }
    const [bareMs, workerMs] = all.map(median);
    return { bareMs, workerMs, ownMs: workerMs - bareMs };
  }

  size() {
    const bytes = (name) => readFileSync(join(this.deployed.folder, 'build', name));
    const names = ['inference_edge_bg.wasm', 'inference_edge.js', 'inference_trial.js', 'worker_state.js', 'shim.mjs', 'keep.mjs', 'request.mjs', 'trial.mjs', 'model.onnx'];
    const gzip = names.reduce((sum, name) => sum + gzipSync(bytes(name), { level: 9 }).length, 0);
    return { wasm: statSync(join(this.deployed.folder, 'build', names[0])).size, gzip };
  }

  load({ program, path, script }, connections, seconds) {
    const options = [`-c${connections}`, `-d${Math.max(1, Math.round(seconds))}s`, ...(script ? ['-s', script] : [])];
    const before = program.cpuSecs();
    const said = execFileSync('wrk', ['-t1', '--latency', '--timeout', '30s', ...options, program.url + path], { encoding: 'utf8' });
    const cpu = program.cpuSecs() - before;
    const n = Number(/(\d+) requests in/.exec(said)[1]);
    if (/Non-2xx|Socket errors/.test(said)) throw new Error(`requests failed:\n${said}`);
    return { cpuMs: (cpu * 1000) / n, p50Ms: latency(said, 50), p99Ms: latency(said, 99), perSec: Number(/Requests\/sec:\s+([\d.]+)/.exec(said)[1]) };
  }

  async fastapi(python) {
    const port = await freePort();
    const env = { TIDEMARK_BUNDLE: this.bundle, OMP_NUM_THREADS: '1' };
    const args = ['-m', 'uvicorn', 'fastapi_app:app', '--port', String(port), '--no-access-log', '--log-level', 'warning'];
    return Program.start(python, args, { url: `http://127.0.0.1:${port}`, env, cwd: import.meta.dirname });
  }
}

/** The middle of an odd number of figures. */
function median(figures) {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)];
}

function latency(said, percent) {
  const [, number, unit] = new RegExp(`${percent}%\\s+([\\d.]+)(us|ms|s)`).exec(said);
  return Number(number) * { us: 0.001, ms: 1, s: 1000 }[unit];
}

function table({ startup, size, memoryMb, rows }) {
  const line = ({ name, connections, cpuMs, p50Ms, p99Ms, perSec }) =>
    `${name.padEnd(24)} ${String(connections).padStart(4)} ${cpuMs.toFixed(3).padStart(9)} ${p50Ms.toFixed(2).padStart(8)} ${p99Ms.toFixed(2).padStart(8)} ${perSec.toFixed(0).padStart(8)}`;
  const head = `${''.padEnd(24)} ${'conn'.padStart(4)} ${'CPU ms'.padStart(9)} ${'p50 ms'.padStart(8)} ${'p99 ms'.padStart(8)} ${'req/s'.padStart(8)}`;
  // Compared within each turn, in which the machine is equally slow for both.
  const above = (more, less) =>
    CONNECTIONS.map((connections) => {
      const of = (name) => rows.find((row) => row.name === name && row.connections === connections).cpuMsByTurn;
      const [all, part] = [of(more), of(less)];
      return `${connections}: ${median(all.map((cpuMs, turn) => cpuMs - part[turn])).toFixed(3)}`;
    }).join(', ');
  const names = [...new Set(rows.map((row) => row.name))];
  return [
    head,
    ...names.flatMap((name) => rows.filter((row) => row.name === name)).map(line),
    '',
    `scoring above /health, CPU ms by connections: ${above('worker, POST /predict', 'worker, GET /health')}`,
    `a POST above a GET in workerd alone: ${above('workerd alone, POST', 'workerd alone, GET')}`,
    `start-up CPU to the first answer: ${startup.workerMs.toFixed(0)} ms, of which workerd alone ${startup.bareMs.toFixed(0)} ms`,
    `compressed, model included: ${(size.gzip / 1e6).toFixed(2)} MB; memory after the load: ${memoryMb.toFixed(0)} MB`,
    '',
  ].join('\n');
}

await main();
