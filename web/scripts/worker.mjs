/** Runs the edge worker on workerd, on this machine alone; follows the model file when it changes. */

import { existsSync, readFileSync, unwatchFile, watchFile } from 'node:fs';
import { createServer } from 'node:net';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Log, LogLevel, Miniflare } from 'miniflare';

const ROOT = join(import.meta.dirname, '..', '..');
const BUILD = join(ROOT, 'inference-wasm', 'edge', 'build');
/** The modules of the worker; the first is its entry. */
export const SCRIPTS = ['shim.mjs', 'keep.mjs', 'request.mjs', 'trial.mjs', 'inference_edge.js', 'inference_trial.js', 'worker_state.js'];
const WATCH_MS = 500;
const FAILED = 2;

const HELP = `Runs the edge worker on workerd.

usage: node scripts/worker.mjs [--port 8787] [--model PATH] [--collector URL]

  --port       port on 127.0.0.1; 0 takes a free one
  --model      the ONNX file to serve, read again whenever it changes
               [default: production/model.onnx in TIDEMARK_HOME, else in data/]
  --collector  where \`monitor serve\` listens, such as http://127.0.0.1:8080, with the key in TIDEMARK_API_KEY if it has one;
               predictions are posted there, and none are logged without it
`;

/** Why the worker does not run, and what to do about it. */
export class WorkerFailure extends Error {
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/**
 * Starts the worker; `collector` is optional.
 * `reloaded` is called after each reading of a changed model file, with the error where there was one.
 */
export async function startWorker({ port = 0, model = productionModel(), collector, reloaded = () => {} } = {}) {
  const first = options({ port, model, collector });
  await checkPort(port);
  const miniflare = new Miniflare(first);
  const url = await miniflare.ready.catch(async (error) => {
    await miniflare.dispose().catch(() => {});
    throw new WorkerFailure(`workerd did not start: ${error.message}`, 'build the worker again with inference-wasm/build.sh');
  });
  const follow = followModel(miniflare, { port: Number(url.port), model, collector }, reloaded);
  const dispose = async () => {
    await follow.stop();
    await miniflare.dispose();
  };
  return { url: url.origin, dispose };
}

/** The production model of the home folder. */
export function productionModel() {
  return join(resolve(ROOT, process.env.TIDEMARK_HOME ?? 'data'), 'production', 'model.onnx');
}

/** Restarts the worker with the model file whenever that changes. */
function followModel(miniflare, settings, reloaded) {
  let last = Promise.resolve();
  const reload = async () => {
    try {
      await miniflare.setOptions(options(settings));
      reloaded();
    } catch (error) {
      reloaded(error);
    }
  };
  watchFile(settings.model, { interval: WATCH_MS }, (now) => {
    // A file that is being replaced is gone for a moment; its return is another change.
    if (now.mtimeMs > 0) last = last.then(reload);
  });
  const stop = () => {
    unwatchFile(settings.model);
    return last;
  };
  return { stop };
}

function options({ port, model, collector }) {
  return {
    name: 'tidemark',
    host: '127.0.0.1',
    port,
    // Otherwise sample request properties are fetched from the internet.
    cf: false,
    log: new Log(LogLevel.WARN),
    compatibilityDate: '2026-04-01',
    modulesRoot: '/',
    modules: workerModules(readModel(model)),
    // Under the name that `monitor serve` knows the key by.
    bindings: collector ? { COLLECTOR_URL: collector, COLLECTOR_KEY: process.env.TIDEMARK_API_KEY ?? '' } : {},
  };
}

/** The worker's modules as Miniflare takes them, with the bytes of a model. */
export function workerModules(model) {
  return [
    ...SCRIPTS.map((name) => ({ type: 'ESModule', path: `/${name}`, contents: built(name) })),
    { type: 'CompiledWasm', path: '/inference_edge_bg.wasm', contents: built('inference_edge_bg.wasm') },
    { type: 'Data', path: '/model.onnx', contents: model },
  ];
}

function built(name) {
  const path = join(BUILD, name);
  if (!existsSync(path)) {
    throw new WorkerFailure(`the worker is not built: ${relative(process.cwd(), path)} is missing`, 'run inference-wasm/build.sh, then try again');
  }
  return readFileSync(path);
}

function readModel(path) {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new WorkerFailure(
      `there is no model at ${relative(process.cwd(), path)} (${error.code})`,
      '`trainer run` puts one into production; `--model PATH` serves another file',
    );
  }
}

/** Fails when another program listens on the port. */
async function checkPort(port) {
  const server = createServer();
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve)).catch((error) => {
    const message = error.code === 'EADDRINUSE' ? `port ${port} is in use` : `port ${port} cannot be used (${error.code})`;
    throw new WorkerFailure(message, 'stop the program that listens there, or pass `--port 0` for a free one');
  });
  await new Promise((resolve) => server.close(resolve));
}

function parseOptions(args) {
  const types = { port: { type: 'string', default: '8787' }, model: { type: 'string' }, collector: { type: 'string' }, help: { type: 'boolean', short: 'h' } };
  try {
    const { values } = parseArgs({ args, options: types });
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error(`'${values.port}' is no port`);
    if (values.collector && !URL.canParse(values.collector)) throw new Error(`'${values.collector}' is no address`);
    return { ...values, port };
  } catch (error) {
    throw new WorkerFailure(error.message, '`--help` tells the options');
  }
}

async function main(args) {
  const { help, port, model, collector } = parseOptions(args);
  if (help) {
    process.stdout.write(HELP);
    return;
  }
  const path = model === undefined ? productionModel() : resolve(model);
  const name = relative(process.cwd(), path);
  const reloaded = (error) => process.stderr.write(error ? `${name} changed and cannot be served: ${error.message}\n` : `${name} changed and is served now\n`);
  const worker = await startWorker({ port, model: path, collector, reloaded });
  process.stdout.write(`worker ready on ${worker.url} with ${name}${collector ? `, logging to ${collector}` : ''}\n`);
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await main(process.argv.slice(2)).catch((error) => {
    process.stderr.write(`error: ${error.message}\n${error.hint ? `hint: ${error.hint}\n` : ''}`);
    process.exit(FAILED);
  });
}
