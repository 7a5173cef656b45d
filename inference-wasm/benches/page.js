/** Loads one engine and one model, by the address, and measures. */

const N_SINGLE = 10_000;
const N_ROWS = 45_211;
const N_BATCHES = 5;
const N_EXPLAINED = 41;

const { engine, model, width: asked, explain, workers } = Object.fromEntries(new URLSearchParams(location.search));
const bytes = fetch(`${model}.onnx`).then((response) => response.arrayBuffer()).then((buffer) => new Uint8Array(buffer));

/** Ours: records in, checked against the contract; feature rows for the batch. */
async function tidemark(build) {
  const module_or_path = fetch(`./pkg/${build}/inference_wasm_bg.wasm`);
  const module = await import(`./pkg/${build}/inference_wasm.js`);
  const [file] = await Promise.all([bytes, module.default({ module_or_path })]);
  const predictor = new module.Predictor(file);
  return {
    contract: predictor.contract(),
    one: (record) => predictor.predict(record),
    many: (rows) => predictor.scores(rows),
    explain: (record) => predictor.explain(record),
  };
}

/** onnxruntime-web: feature rows that someone else has checked and encoded. */
async function onnxruntime() {
  const ort = await import('./ort/ort.wasm.min.mjs');
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = new URL('./ort/', location.href).href;
  const session = await ort.InferenceSession.create(await bytes, { executionProviders: ['wasm'] });
  const run = async (rows, n_rows) => {
    const { probabilities } = await session.run({ features: new ort.Tensor('float32', rows, [n_rows, rows.length / n_rows]) });
    return probabilities.data;
  };
  return { one: (row) => run(row, 1), many: (rows) => run(rows, N_ROWS) };
}

/** Rows within the contract's ranges, the same for every engine. */
function madeUp(contract) {
  let state = 1;
  const unit = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const value = (column) =>
    column.kind === 'numeric' ? column.minimum + unit() * (column.maximum - column.minimum) : Math.floor(unit() * (column.levels?.length ?? 1));
  return Float32Array.from({ length: N_ROWS * contract.columns.length }, (_, at) => value(contract.columns[at % contract.columns.length]));
}

const toRecord = (contract, row) =>
  Object.fromEntries(contract.columns.map((column, at) => [column.name, column.kind === 'categorical' ? column.levels[row[at]] : row[at]]));

/** The contract from the file's metadata, for the engine that knows of none. */
async function readContract() {
  const text = new TextDecoder().decode(await bytes);
  const start = text.indexOf('{"format":1,"dataset"');
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1;
    else if (text[at] === '}' && (depth -= 1) === 0) return JSON.parse(text.slice(start, at + 1));
  }
  throw new Error('the file has no contract');
}

const isOurs = engine !== 'onnxruntime';
const width = Number(asked);
const scorer = isOurs ? await tidemark(engine) : await onnxruntime();
const nothing = isOurs ? Object.fromEntries(scorer.contract.columns.map((column) => [column.name, null])) : new Float32Array(width).fill(NaN);
await scorer.one(nothing);
const first_ms = performance.now();

const contract = scorer.contract ?? (await readContract());

const rows = madeUp(contract);
const singles = Array.from({ length: 1000 }, (_, at) => {
  const row = rows.slice(at * width, (at + 1) * width);
  return isOurs ? toRecord(contract, row) : row;
});
if (explain) window.result = explained(singles);
else if (workers) window.result = await together(Number(workers));
else window.result = { first_ms, ...(await timed(singles)) };

/** The batch in parts by several workers, each a part and another for every one that comes back. */
async function together(n_workers) {
  const team = await Promise.all(Array.from({ length: n_workers }, started));
  const part = Math.ceil(N_ROWS / (4 * n_workers)) * width;
  let batch_ms = Infinity;
  for (let at = 0; at < N_BATCHES; at += 1) {
    const before = performance.now();
    const places = Array.from({ length: Math.ceil(rows.length / part) }, (_, index) => index * part);
    const scored = [];
    const drain = async (worker) => {
      for (let place = places.shift(); place !== undefined; place = places.shift()) {
        const { at, probabilities } = await answer(worker, { at: place, rows: rows.slice(place, place + part) });
        scored[at / part] = probabilities;
      }
    };
    await Promise.all(team.map(drain));
    batch_ms = Math.min(batch_ms, performance.now() - before);
    if (scored.reduce((sum, { length }) => sum + length, 0) < N_ROWS) throw new Error('a part is missing');
  }
  return { batch_ms };
}

async function started() {
  const worker = new Worker('./worker.js', { type: 'module' });
  await answer(worker, { model: `./${model}.onnx` });
  return worker;
}

function answer(worker, message) {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(message);
  });
}

/** The middle of some explanations' times, each of another record. */
function explained(records) {
  const times = records.slice(0, N_EXPLAINED).map((record) => {
    const before = performance.now();
    scorer.explain(record);
    return performance.now() - before;
  });
  return { method: scorer.explain(records[0]).method, explain_ms: times.sort((a, b) => a - b)[N_EXPLAINED >> 1] };
}

/** Single records, then batches. */
async function timed(singles) {
  for (const record of singles) await scorer.one(record);
  const started = performance.now();
  if (isOurs) for (let at = 0; at < N_SINGLE; at += 1) scorer.one(singles[at % singles.length]);
  else for (let at = 0; at < N_SINGLE; at += 1) await scorer.one(singles[at % singles.length]);
  const single_us = ((performance.now() - started) * 1000) / N_SINGLE;

  let batch_ms = Infinity;
  let probabilities;
  for (let at = 0; at < N_BATCHES; at += 1) {
    const before = performance.now();
    probabilities = await scorer.many(rows);
    batch_ms = Math.min(batch_ms, performance.now() - before);
  }
  let sum = 0;
  for (let at = 1; at < probabilities.length; at += 2) sum += probabilities[at];
  return { single_us, batch_ms, sum };
}
