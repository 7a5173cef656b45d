/** Scores parts of a batch, as the page does with a large file: one of several beside the page. */

import init, { Predictor } from './pkg/lite/inference_wasm.js';

let predictor;

addEventListener('message', async ({ data }) => {
  if (data.model) {
    const [response] = await Promise.all([fetch(data.model), init()]);
    predictor = new Predictor(new Uint8Array(await response.arrayBuffer()));
    postMessage({ ready: true });
    return;
  }
  const probabilities = predictor.scores(data.rows);
  postMessage({ at: data.at, probabilities }, [probabilities.buffer]);
});
