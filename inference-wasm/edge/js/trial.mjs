// A second instance of the module, in which a new model is tried: one that traps the engine takes nothing along.

import wasm from './inference_edge_bg.wasm';
import * as trial from './inference_trial.js';

/** Checks a model file and its golden records; returns why it cannot serve. */
export function tryModel(file, bytes, golden) {
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
