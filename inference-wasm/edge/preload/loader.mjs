// Answers with the memory that loading the model has left, or with 422 and why the model cannot serve.

import wasm from './inference_edge_bg.wasm';
import model from './model.onnx';

/** Pieces of free memory, in bytes. */
const LARGEST = 1 << 20;
const SMALLEST = 16;

/** What the module imports. Loading a model asks for none of it. */
function imports() {
  const all = {};
  for (const { module, name, kind } of WebAssembly.Module.imports(wasm)) {
    const refuse = () => {
      throw new Error(`loading a model has called ${name}`);
    };
    (all[module] ??= {})[name] = kind === 'tag' ? WebAssembly.JSTag : refuse;
  }
  return all;
}

/** Calls `preload` as the module's bindings would. */
function load({ memory, preload, __wbindgen_malloc: allocate }) {
  const at = allocate(model.byteLength, 1);
  new Uint8Array(memory.buffer).set(new Uint8Array(model), at);
  const [begin, length] = preload(at, model.byteLength);
  return begin ? new TextDecoder().decode(new Uint8Array(memory.buffer, begin, length)) : undefined;
}

/** Fills what the allocator has free with zeros, which the module then need not hold: takes all of it, in pieces, and gives it back. */
function clean({ memory, __wbindgen_malloc: allocate, __wbindgen_free: free }) {
  const pieces = [];
  for (let size = LARGEST; size >= SMALLEST; size /= 2) {
    for (let before = memory.buffer; before === memory.buffer; ) {
      const at = allocate(size, 1);
      new Uint8Array(memory.buffer, at, size).fill(0);
      pieces.push([at, size]);
    }
  }
  for (const [at, size] of pieces) free(at, size, 1);
}

/** The memory with the model loaded, and nothing beside it. */
function loaded() {
  const { exports } = new WebAssembly.Instance(wasm, imports());
  const refusal = load(exports);
  if (refusal) return new Response(refusal, { status: 422 });
  clean(exports);
  return new Response(exports.memory.buffer);
}

export default {
  fetch() {
    try {
      return loaded();
    } catch (error) {
      return new Response(`the engine gave up: ${error.message}`, { status: 422 });
    }
  },
};
