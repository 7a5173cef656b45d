/** A server on a free port that sends every file as small as brotli makes it. */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };
/** As content networks do it on the fly; 11 takes a minute for the largest. */
const QUALITY = Number(process.env.BROTLI_QUALITY ?? 9);
const CACHE = join(import.meta.dirname, '.cache');

/** What each engine makes the page fetch, beside the model. */
export const ENGINES = {
  lite: ['pkg/lite/inference_wasm.js', 'pkg/lite/inference_wasm_bg.wasm'],
  full: ['pkg/full/inference_wasm.js', 'pkg/full/inference_wasm_bg.wasm'],
  onnxruntime: ['ort/ort.wasm.min.mjs', 'ort/ort-wasm-simd-threaded.mjs', 'ort/ort-wasm-simd-threaded.wasm'],
};

const sent = new Map();

/** A file compressed; kept in memory, so that every engine's files are sent at once. */
export function compressed(path) {
  if (!sent.has(path)) sent.set(path, compress(path));
  return sent.get(path);
}

/** A file compressed; kept by its digest. */
function compress(path) {
  const bytes = readFileSync(path);
  const kept = join(CACHE, `${createHash('sha256').update(bytes).digest('hex')}.${QUALITY}.br`);
  if (!existsSync(kept)) {
    mkdirSync(CACHE, { recursive: true });
    writeFileSync(kept, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: QUALITY } }));
  }
  return readFileSync(kept);
}

/** The header by which a page has its engine fetched at once, as a page that cares for its first answer does; it asks for the model itself. */
function preloads(query) {
  const engine = query.get('engine');
  if (!(engine in ENGINES)) return {};
  const hint = (path) => `<./${path}>; rel=${/js$/.test(path) ? 'modulepreload' : 'preload; as=fetch; crossorigin'}`;
  return { link: ENGINES[engine].map(hint).join(', ') };
}

/** Serves the benchmark's own files, `folders` under their names, and `models` as /NAME.onnx. */
export async function startServer(own, folders, models) {
  const find = (path) => {
    const [first, ...rest] = path.split('/').filter(Boolean);
    if (first in folders) return join(folders[first], ...rest);
    return models[first.replace(/\.onnx$/, '')] ?? join(own, first);
  };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    const path = find(pathname);
    if (!existsSync(path)) return response.writeHead(404).end();
    const type = TYPES[extname(path)] ?? 'application/octet-stream';
    const isolated = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
    const headers = { 'content-type': type, 'content-encoding': 'br', ...isolated, ...preloads(searchParams) };
    return response.writeHead(200, headers).end(compressed(path));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => new Promise((done) => server.close(done).closeAllConnections()),
  };
}
