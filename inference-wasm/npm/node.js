/** For Node: the module is read from beside this file, so that it is ready once it is imported. */

import { readFileSync } from 'node:fs';
import { initSync } from './inference_wasm.js';

initSync({ module: readFileSync(new URL('./inference_wasm_bg.wasm', import.meta.url)) });

export * from './inference_wasm.js';

/** There is nothing left to do; in a browser there is. */
export default async function init() {}
