/** The table of results, and what of what was asked is met. */

/** What ours must be, relative to onnxruntime-web: at most this share, of the batch at least this many times as fast. */
const ASKED = { bytes: { lite: 1 / 40, full: 0.45 }, first_ms: { lite: 1 / 5 }, single_us: { lite: 1 / 3 }, batch_ms: { lite: 1 / 1.5 } };

/** One line per model and engine. */
export function table(results) {
  const head = ['model', 'engine', 'bytes (wasm + js, brotli)', 'first prediction (ms)', 'one record (us)', '45,211 rows (ms)'];
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const rows = results.map(({ model, engine, bytes, first_ms, single_us, batch_ms }) =>
    line([model, engine, bytes.toLocaleString('en'), first_ms.toFixed(0), single_us.toFixed(2), batch_ms.toFixed(1)]),
  );
  return [line(head), line(head.map(() => '---')), ...rows].join('\n');
}

/** What an explanation of a record with 15 columns may take. */
const ASKED_EXPLAIN_MS = 5;

/** How many times as fast as onnxruntime-web's one thread a batch in several workers must be. */
const ASKED_IN_WORKERS = 2;

/** One line per model: the batch in several workers. */
export function inWorkers(results, batches, n_workers) {
  const line = ([model, batch_ms]) => {
    const other = results.find((result) => result.engine === 'onnxruntime' && result.model === model);
    const times = other.batch_ms / batch_ms;
    return `${times >= ASKED_IN_WORKERS ? 'met  ' : 'SHORT'} batch of lite in ${n_workers} workers, ${model}: ${batch_ms.toFixed(0)} ms, ${times.toFixed(2)} times as fast, asked ${ASKED_IN_WORKERS}`;
  };
  return Object.entries(batches).map(line).join('\n');
}

/** One line per family: how long an explanation takes. */
export function explanations(explained) {
  const line = ({ family, method, explain_ms }) =>
    `${explain_ms <= ASKED_EXPLAIN_MS ? 'met  ' : 'SHORT'} explain of lite, ${family} (${method}): ${explain_ms.toFixed(2)} ms, asked ${ASKED_EXPLAIN_MS}`;
  return explained.map(line).join('\n');
}

/** One line per thing asked and model. */
export function verdicts(results) {
  const lines = [];
  for (const [name, byEngine] of Object.entries(ASKED)) {
    for (const [engine, most] of Object.entries(byEngine)) {
      for (const model of new Set(results.map((result) => result.model))) {
        const of = (other) => results.find((result) => result.engine === other && result.model === model)[name];
        const share = of(engine) / of('onnxruntime');
        lines.push(`${share <= most ? 'met  ' : 'SHORT'} ${name} of ${engine}, ${model}: ${share.toFixed(3)} of onnxruntime-web's, asked ${most.toFixed(3)}`);
      }
    }
  }
  return lines.join('\n');
}
