/** Fetches the model and makes a predictor of it; whatever goes wrong becomes a `Failure` with a remedy. */

import type { Contract, Info, Manifest } from './contract';
import type { Predictor } from './engine';
import { openPredictor, startLite } from './engine';
import { Failure } from './failure';

/** A model that is ready to score. */
export interface Model {
  predictor: Predictor;
  contract: Contract;
  info: Info;
  manifest: Manifest | null;
  /** The file. */
  bytes: Uint8Array;
  /** From the start of the page to the first possible prediction. */
  ready_ms: number;
}

/** Loads the WebAssembly module, the model beside the page and its manifest, all at once. */
export async function loadModel(folder: string): Promise<Model> {
  const [, bytes, manifest] = await Promise.all([
    startLite(),
    fetchBytes(`${folder}/model.onnx`),
    fetchManifest(`${folder}/manifest.json`),
  ]);
  const predictor = await openPredictor(bytes);
  return {
    predictor,
    contract: predictor.contract(),
    info: predictor.info(),
    manifest,
    bytes,
    ready_ms: performance.now(),
  };
}

async function fetchBytes(url: string): Promise<Uint8Array> {
  const response = await fetchFile(url);
  if (!response.ok) {
    throw new Failure(
      response.status === 404 ? `there is no model at ${url}` : `${url} answered ${response.status} ${response.statusText}`,
      'run `trainer run` (or `trainer deploy`) so that a bundle is in production, then reload',
    );
  }
  if (response.headers.get('content-type')?.startsWith('text/html')) {
    throw new Failure(`${url} is a web page, not a model`, 'serve the production bundle under model/ beside this page, then reload');
  }
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch {
    throw new Failure(`${url} broke off while loading`, 'check the connection, then reload');
  }
}

async function fetchFile(url: string): Promise<Response> {
  try {
    // The browser asks whether its copy is still good, so that a promoted model shows up at the next load.
    return await fetch(url, { cache: 'no-cache' });
  } catch {
    throw new Failure(`${url} could not be fetched`, 'check that the server runs, then reload');
  }
}

async function fetchManifest(url: string): Promise<Manifest | null> {
  const response = await fetchFile(url);
  if (!response.ok) return null;
  try {
    return (await response.json()) as Manifest;
  } catch {
    return null;
  }
}
