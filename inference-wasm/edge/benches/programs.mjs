/** Programs that a benchmark runs: workerd with the worker as it is deployed, and others; their CPU and memory. */

import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workerd } from '../command.mjs';
import { preload } from '../preload.mjs';

const EDGE = join(import.meta.dirname, '..');
const TICKS_PER_SEC = 100;
const START_MS = 30_000;

/** A running program. */
export class Program {
  static async start(command, args, { url, env = {}, cwd } = {}) {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const program = new Program(child, url);
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (program.words = (program.words + data).slice(-4000)));
    await program.#answers();
    return program;
  }

  words = '';

  constructor(child, url) {
    this.child = child;
    this.url = url;
  }

  async #answers() {
    for (const end = Date.now() + START_MS; Date.now() < end && this.child.exitCode === null; ) {
      if (await fetch(`${this.url}/health`).then((response) => response.ok, () => false)) return;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await this.stop();
    throw new Error(`${this.child.spawnfile} did not start: ${this.words}`);
  }

  /** CPU seconds so far, of every thread. */
  cpuSecs() {
    const fields = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SEC;
  }

  /** CPU seconds of the threads that run, finer than `cpuSecs` tells. */
  threadsCpuSecs() {
    const tasks = `/proc/${this.child.pid}/task`;
    const nanos = (thread) => Number(readFileSync(`${tasks}/${thread}/schedstat`, 'utf8').split(' ')[0]);
    return readdirSync(tasks).reduce((sum, thread) => sum + nanos(thread), 0) / 1e9;
  }

  /** Memory, in MB. */
  residentMb() {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.child.pid}/status`, 'utf8'))[1]) / 1024;
  }

  async stop(signal = 'SIGKILL') {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill(signal);
    await ended;
  }
}

/** A folder with the worker as it is deployed to plain workerd: `workerd.capnp`, `build/` with a model, `models/`, `letters/`. */
export async function deployment(model) {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-workerd-'));
  if (!existsSync(join(EDGE, 'build', 'shim.mjs'))) throw new Error('the worker is not built; run inference-wasm/build.sh');
  cpSync(join(EDGE, 'build'), join(folder, 'build'), { recursive: true });
  cpSync(join(EDGE, 'workerd.capnp'), join(folder, 'workerd.capnp'));
  await preload(model, join(folder, 'build'));
  for (const name of ['models', 'letters']) mkdirSync(join(folder, name));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Runs plain workerd on a deployment. */
export async function startWorkerd(folder, env = {}, config = 'workerd.capnp') {
  const port = await freePort();
  const directories = config === 'workerd.capnp' ? ['models', 'letters'].map((name) => `--directory-path=${name}=${join(folder, name)}`) : [];
  const args = ['serve', join(folder, config), `--socket-addr=http=127.0.0.1:${port}`, ...directories];
  return Program.start(workerd(), args, { url: `http://127.0.0.1:${port}`, env });
}

export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
