// What outlives a trap, which ends the WebAssembly instance and whatever is under way in it: the next call makes it anew.

import model from './model.onnx';

/** Log lines that are not delivered yet: texts by number. */
export const lines = new Map();

/** The model that came with the worker, whether it is being loaded; and what serves instead: a pointer's text, and bytes by digest. */
export const kept = { model, isEmbedding: false, pointer: undefined, files: new Map() };
