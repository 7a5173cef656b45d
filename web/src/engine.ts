/**
 * A predictor from the bytes of a model, in the page and in its web worker.
 *
 * The small module runs what the trainer wrote. Only a model that it does not know brings the full one.
 */

import init, { Predictor } from '../../inference-wasm/pkg/lite/inference_wasm.js';
import type { PredictorError } from '../../inference-wasm/pkg/lite/inference_wasm.js';
import { Failure, asFailure } from './failure';

export type { Predictor };

/** Starts the small module; may be called before the model is there. */
export const startLite = (): Promise<void> => startWasm(init);

/** Makes a predictor, in the small module, which runs already, or in the full one. */
export async function openPredictor(bytes: Uint8Array): Promise<Predictor> {
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

function unusable(error: unknown): Failure {
  const failure = asFailure(error);
  return new Failure(failure.message, failure.hint || 'deploy the model again, then reload');
}
