/** Scores the rows of a part of a CSV file: reads them, predicts them, writes them with what is added. */

import Papa from 'papaparse';
import type { Refusal, ScoredPart } from './batch-messages';
import type { Contract, Fields, Prediction, RowRefusal } from './contract';
import type { Predictor } from './engine';
import type { ToRecord } from './rows';
import { recordsOf } from './rows';

/** Rows set aside that are told one by one. */
export const N_REFUSALS = 5;

/** What is the same for every part of a file. */
export class PartScoring {
  private readonly contract: Contract;
  private readonly toRecord: ToRecord;

  constructor(
    private readonly predictor: Predictor,
    private readonly header: string[],
    private readonly delimiter: string,
  ) {
    this.contract = predictor.contract();
    this.toRecord = recordsOf(this.contract, header);
  }

  /** Scores a part; the first one begins with the header. */
  score(text: string, index: number): ScoredPart {
    const { data } = Papa.parse<string[]>(text, { delimiter: this.delimiter, skipEmptyLines: true });
    const rows = index === 0 ? data.slice(1) : data;
    const classes = this.contract.target.classes;
    const part: ScoredPart = { kind: 'scored', index, lines: '', n_rows: rows.length, n_flagged: 0, n_set_aside: 0, refusals: [], labels: classes.map(() => 0) };
    const predictions = this.predictor.predictMany(rows.map((row) => this.record(row)));
    part.lines = written(rows.map((row, at) => [...this.padded(row), ...this.answer(row, predictions[at]!, at + 1, part)]), this.delimiter);
    return part;
  }

  /** A row of another length is no record, which the predictor says of an empty one. */
  private record(row: string[]): Fields {
    return row.length === this.header.length ? this.toRecord(row) : {};
  }

  private padded(row: string[]): string[] {
    return row.length === this.header.length ? row : this.header.map((_, index) => row[index] ?? '');
  }

  /** What stands behind a row: its label and probabilities, or nothing. */
  private answer(row: string[], prediction: Prediction | RowRefusal, number: number, part: ScoredPart): string[] {
    const classes = this.contract.target.classes;
    if ('error' in prediction) {
      const reason = row.length === this.header.length ? prediction.error : `has ${row.length} values, the first line ${this.header.length}`;
      part.n_set_aside += 1;
      if (part.refusals.length < N_REFUSALS) part.refusals.push({ row: number, reason } satisfies Refusal);
      return ['', ...classes.map(() => '')];
    }
    part.labels[classes.indexOf(prediction.label)]! += 1;
    if (prediction.flags.length > 0) part.n_flagged += 1;
    return [prediction.label, ...classes.map((name) => String(prediction.probabilities[name]))];
  }
}

/** Rows as text, each with the end of its line. */
export function written(rows: string[][], delimiter: string): string {
  // The library looks at every character; most rows hold none that matters.
  const special = new RegExp(`["\\r\\n\\${delimiter}]|^\\s|\\s$`);
  const line = (row: string[]) => (row.some((text) => special.test(text)) ? Papa.unparse([row], { delimiter }) : row.join(delimiter));
  return rows.length > 0 ? `${rows.map(line).join('\n')}\n` : '';
}
