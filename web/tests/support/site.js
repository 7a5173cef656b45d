/** A small static server: the built page, and a model folder under /model/. */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
};

/** The built page. */
export const DIST = join(import.meta.dirname, '..', '..', 'dist');

/**
 * Serves `dist` on a free port of 127.0.0.1.
 * `files` maps a path such as `/model/model.onnx` to bytes or to a file's path and may be changed while it runs;
 * `collect`, where given, takes the body of each POST to /v1/predictions, and its key, and returns a status.
 */
export async function startSite({ files = {}, collect } = {}) {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, 'http://localhost').pathname;
    if (request.method === 'POST' && path === '/v1/predictions' && collect) {
      const status = collect(await text(request), request.headers['x-api-key']);
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
      return;
    }
    const body = await find(path, files);
    if (!body) response.writeHead(404).end('not found');
    else response.writeHead(200, { 'content-type': TYPES[extname(path) || '.html'] ?? 'application/octet-stream' }).end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    files,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}

async function find(path, files) {
  const file = files[path];
  if (file instanceof Uint8Array) return file;
  if (path.startsWith('/model/') && !file) return undefined;
  const name = path === '/' ? 'index.html' : normalize(path);
  return readFile(file ?? join(DIST, name)).catch(() => undefined);
}

/** The whole body of a request. */
export async function text(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
