/** For Cloudflare's workers, where WebAssembly is imported as a compiled module and is ready once it is imported. */

import wasm from './inference_wasm_bg.wasm';
import { initSync } from './inference_wasm.js';

initSync({ module: wasm });

export * from './inference_wasm.js';

/** There is nothing left to do; in a browser there is. */
export default async function init() {}
