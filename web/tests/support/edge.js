/** The edge worker on workerd with bindings of a test's choice, and what stands around it. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { Log, LogLevel, Miniflare } from 'miniflare';
import { workerModules } from '../../scripts/worker.mjs';
import { text } from './site.js';

/** Starts the worker; `options` are Miniflare's, such as bindings, r2Buckets or queueProducers. */
export async function startEdge(model, options = {}) {
  const miniflare = new Miniflare({
    name: 'tidemark',
    host: '127.0.0.1',
    port: 0,
    cf: false,
    log: new Log(LogLevel.NONE),
    handleRuntimeStdio: (stdout, stderr) => [stdout, stderr].forEach((stream) => stream.resume()),
    compatibilityDate: '2026-04-01',
    modulesRoot: '/',
    modules: workerModules(model),
    ...options,
  });
  const { origin: url } = await miniflare.ready;
  return {
    url,
    miniflare,
    get: (path, headers) => answered(fetch(url + path, { headers })),
    post: (path, body, headers = {}) =>
      answered(fetch(url + path, { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) })),
    stop: () => miniflare.dispose(),
  };
}

async function answered(request) {
  const response = await request;
  const body = await response.text();
  return { status: response.status, headers: response.headers, text: body, body: parsed(body) };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Waits until a condition gives something, and gives that. */
export async function eventually(what, condition, mostMs = 15_000) {
  for (const end = Date.now() + mostMs; Date.now() < end; ) {
    const value = await condition();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return assert.fail(`${what} did not happen within ${mostMs} ms`);
}

/** A collector that keeps every line that is posted to it; it can be stopped and started again on its port. */
export class Collector {
  lines = [];
  /** The key of the last post. */
  key;
  #server;

  async start() {
    this.#server = createServer(async (request, response) => {
      const body = await text(request);
      this.key = request.headers['x-api-key'];
      this.lines.push(...body.trim().split('\n').map((line) => JSON.parse(line)));
      response.end('{}');
    });
    await new Promise((resolve) => this.#server.listen(this.port ?? 0, '127.0.0.1', resolve));
    this.port = this.#server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  stop() {
    return new Promise((resolve) => this.#server.close(resolve).closeAllConnections());
  }

  /** What it keeps, each prediction once, as the monitor's collector does. */
  kept() {
    return new Map(this.lines.map((line) => [`${line.id} ${line.version}`, line]));
  }
}

export function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
