import init, { Predictor } from 'tidemark';

const [, response] = await Promise.all([init(), fetch('model.onnx')]);
const predictor = new Predictor(new Uint8Array(await response.arrayBuffer()));
// A record with nothing known; a form would fill it.
const record = Object.fromEntries(predictor.contract().columns.map((column) => [column.name, null]));
document.querySelector('output').value = JSON.stringify(predictor.predict(record), null, 2);
