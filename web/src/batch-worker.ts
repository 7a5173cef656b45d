/** Scores a CSV file beside the page, so that the page stays quick: reads a part, predicts it, writes it, and says how far it is. */

import Papa from 'papaparse';
import type { News, Order, Refusal } from './batch-messages';
import type { Contract, Fields, Prediction, RowRefusal } from './contract';
import type { Predictor } from './engine';
import { openPredictor, startLite } from './engine';
import { Failure, asFailure } from './failure';
import type { ToRecord } from './rows';
import { addedColumns, recordsOf } from './rows';

/** Characters that are scored at a time. */
const PART = 1 << 20;
/** Browsers hold no longer text. */
const MOST_BYTES = 500e6;
/** Rows set aside that are told one by one. */
const N_REFUSALS = 5;

const tell = (news: News) => postMessage(news);

addEventListener('message', async ({ data }: MessageEvent<Order>) => {
  try {
    await startLite();
    const scoring = new Scoring(await openPredictor(data.bytes));
    read(await text(data.file), (rows, share, delimiter) => scoring.add(rows, share, delimiter));
    tell(scoring.done());
  } catch (error) {
    const { message, hint } = asFailure(error);
    tell({ kind: 'failed', message, hint });
  }
});

/** The whole file, as a character's bytes may lie in two parts of it. */
async function text(file: File): Promise<string> {
  const hint = 'split it, or score it with `trainer predict`';
  if (file.size > MOST_BYTES) throw new Failure(`the file has ${Math.round(file.size / 1e6)} MB, the most is ${MOST_BYTES / 1e6} MB`, hint);
  try {
    return await file.text();
  } catch (error) {
    throw new Failure(`the file cannot be read: ${asFailure(error).message}`, 'choose it again');
  }
}

/** Hands the rows of a text on, part by part. */
function read(text: string, take: (rows: string[][], share: number, delimiter: string) => void): void {
  const chunk = ({ data, meta }: Papa.ParseResult<string[]>) => take(data, meta.cursor / text.length, meta.delimiter);
  // The types know parts of files alone, the library those of texts, too.
  const config = { chunkSize: PART, skipEmptyLines: true, chunk } as const;
  Papa.parse<string[]>(text, config);
}

/** What is known of a file so far. */
class Scoring {
  private readonly contract: Contract;
  private readonly started = performance.now();
  private readonly labels: Map<string, number>;
  private readonly parts: string[] = [];
  private readonly refusals: Refusal[] = [];
  private toRecord: ToRecord | undefined;
  private n_columns = 0;
  private n_rows = 0;
  private n_flagged = 0;
  private n_set_aside = 0;

  constructor(private readonly predictor: Predictor) {
    this.contract = predictor.contract();
    this.labels = new Map(this.contract.target.classes.map((name) => [name, 0]));
  }

  add(rows: string[][], share: number, delimiter: string): void {
    if (rows.length === 0) return;
    const body = this.toRecord ? rows : this.start(rows, delimiter);
    const predictions = this.predictor.predictMany(body.map((row) => this.record(row)));
    this.write(body.map((row, index) => [...this.padded(row), ...this.answer(row, predictions[index]!, this.n_rows + index + 1)]), delimiter);
    this.n_rows += body.length;
    tell({ kind: 'progress', n_rows: this.n_rows, share: Math.min(1, share) });
  }

  done(): News {
    if (!this.toRecord) throw new Failure('the file is empty', 'its first line must name the columns');
    return {
      kind: 'done',
      scored: new Blob(this.parts, { type: 'text/csv' }),
      n_rows: this.n_rows,
      n_flagged: this.n_flagged,
      n_set_aside: this.n_set_aside,
      refusals: this.refusals,
      labels: [...this.labels],
      milliseconds: performance.now() - this.started,
    };
  }

  /** Takes the header off the first part. */
  private start([first = [], ...body]: string[][], delimiter: string): string[][] {
    const header = first.map((name) => name.replace(/^\uFEFF/, '').trim());
    this.toRecord = recordsOf(this.contract, header);
    this.n_columns = header.length;
    this.write([[...header, ...addedColumns(this.contract, header)]], delimiter);
    return body;
  }

  /** A row of another length is no record, which the predictor says of an empty one. */
  private record(row: string[]): Fields {
    return row.length === this.n_columns ? this.toRecord!(row) : {};
  }

  private padded(row: string[]): string[] {
    return row.length === this.n_columns ? row : Array.from({ length: this.n_columns }, (_, index) => row[index] ?? '');
  }

  /** What stands behind a row: its label and probabilities, or nothing. */
  private answer(row: string[], prediction: Prediction | RowRefusal, number: number): string[] {
    if ('error' in prediction) {
      const reason = row.length === this.n_columns ? prediction.error : `has ${row.length} values, the first line ${this.n_columns}`;
      this.n_set_aside += 1;
      if (this.refusals.length < N_REFUSALS) this.refusals.push({ row: number, reason });
      return Array.from({ length: this.labels.size + 1 }, () => '');
    }
    this.labels.set(prediction.label, (this.labels.get(prediction.label) ?? 0) + 1);
    if (prediction.flags.length > 0) this.n_flagged += 1;
    return [prediction.label, ...[...this.labels.keys()].map((name) => String(prediction.probabilities[name]))];
  }

  private write(rows: string[][], delimiter: string): void {
    // The library looks at every character; most rows hold none that matters.
    const special = new RegExp(`["\\r\\n\\${delimiter}]|^\\s|\\s$`);
    const line = (row: string[]) => (row.some((text) => special.test(text)) ? Papa.unparse([row], { delimiter }) : row.join(delimiter));
    if (rows.length > 0) this.parts.push(`${rows.map(line).join('\n')}\n`);
  }
}
