// A second instance of the module, in which a new model is tried: one that traps the engine takes nothing along.

import wasm from './inference_edge_bg.wasm';

/** Checks a model file and its golden records; returns why it cannot serve. */
export async function tryModel(file, bytes, golden) {
  // Read when it is needed: a worker that answers its first request does without.
  const trial = await import('./inference_trial.js');
  trial.initSync({ module: wasm });
  try {
    return trial.checkModel(file, bytes, golden);
  } catch (error) {
    console.error('a model ended its trial in a trap:', error?.message ?? error);
    return 'the engine gave up';
  } finally {
    // What was loaded is forgotten with its instance.
    trial.__wbg_reset_state();
  }
}
