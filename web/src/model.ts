/**
 * Fetches the model and makes a predictor of it; whatever goes wrong becomes a `Failure` with a remedy.
 *
 * The small module runs what the trainer wrote. Only a model that it does not know brings the full one.
 */

import init, { Predictor } from '../../inference-wasm/pkg/lite/inference_wasm.js';
import type { PredictorError } from '../../inference-wasm/pkg/lite/inference_wasm.js';
import type { Contract, Info, Manifest } from './contract';

/** A model that is ready to score. */
export interface Model {
  predictor: Predictor;
  contract: Contract;
  info: Info;
  manifest: Manifest | null;
  /** Size of the file. */
  n_bytes: number;
  /** From the start of the page to the first possible prediction. */
  ready_ms: number;
}

/** Why there is no model, and what to do about it. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

/** Loads the WebAssembly module, the model beside the page and its manifest, all at once. */
export async function loadModel(folder: string): Promise<Model> {
  const [, bytes, manifest] = await Promise.all([
    startWasm(init),
    fetchBytes(`${folder}/model.onnx`),
    fetchManifest(`${folder}/manifest.json`),
  ]);
  const predictor = await openPredictor(bytes);
  return {
    predictor,
    contract: predictor.contract(),
    info: predictor.info(),
    manifest,
    n_bytes: bytes.length,
    ready_ms: performance.now(),
  };
}

/** The text and the hint of anything thrown, as the predictor's errors carry both. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const { message, hint } = error as { message?: unknown; hint?: unknown };
  return new Failure(String(message ?? error), typeof hint === 'string' ? hint : '');
}

async function startWasm(start: () => Promise<unknown>): Promise<void> {
  try {
    await start();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new Failure(
      `the WebAssembly module did not start: ${text}`,
      'use a browser with WebAssembly SIMD (any from 2023 on), or rebuild the page with `npm run build`',
    );
  }
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

async function openPredictor(bytes: Uint8Array): Promise<Predictor> {
  try {
    return new Predictor(bytes);
  } catch (error) {
    if ((error as PredictorError).needsFullBuild) return openInFull(bytes);
    throw unusable(error);
  }
}

async function openInFull(bytes: Uint8Array): Promise<Predictor> {
  const full = await import('../../inference-wasm/pkg/full/inference_wasm.js');
  await startWasm(() => full.default());
  try {
    return new full.Predictor(bytes);
  } catch (error) {
    throw unusable(error);
  }
}

function unusable(error: unknown): Failure {
  const failure = asFailure(error);
  return new Failure(failure.message, failure.hint || 'deploy the model again, then reload');
}
