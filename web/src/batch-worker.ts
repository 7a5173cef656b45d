/**
 * Scores a CSV file beside the page, so that the page stays quick: cuts it into parts of whole rows, has them scored, and says how far it is.
 *
 * A file of one part is scored here; the parts of a larger one by helpers, as many as the machine has cores. Parts come back in any order and
 * are put together in the file's.
 */

import Papa from 'papaparse';
import type { Failed, News, Order, Part, Refusal, ScoredPart, Start } from './batch-messages';
import type { Contract } from './contract';
import { partEnds } from './csv-parts';
import type { Predictor } from './engine';
import { openPredictor, startLite } from './engine';
import { Failure, asFailure } from './failure';
import { N_REFUSALS, PartScoring, written } from './part-scoring';
import { addedColumns, recordsOf } from './rows';

/** Characters that are scored at a time, about. */
const PART = 1 << 18;
/** Parts from which on helpers are worth their start. */
const FEWEST_PARTS = 4;
/** Browsers hold no longer text. */
const MOST_BYTES = 500e6;

const tell = (news: News) => postMessage(news);

addEventListener('message', async ({ data }: MessageEvent<Order>) => {
  try {
    const started = performance.now();
    await startLite();
    const predictor = await openPredictor(data.bytes);
    const content = await text(data.file);
    const { header, delimiter } = read(content);
    // A file that lacks a column is refused before anything is scored.
    recordsOf(predictor.contract(), header);
    const scored = new Scored(predictor.contract(), header, delimiter, content.length);
    const texts = parts(content, delimiter);
    if (texts.length < FEWEST_PARTS) scoreHere(predictor, texts, scored);
    else await scoreByHelpers({ kind: 'start', bytes: data.bytes, header, delimiter }, texts, scored);
    tell(scored.done(started));
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

/** The names of the columns, and what stands between values. */
function read(content: string): { header: string[]; delimiter: string } {
  const { data, meta } = Papa.parse<string[]>(content.slice(0, PART), { preview: 1, skipEmptyLines: true });
  const [first] = data;
  if (!first) throw new Failure('the file is empty', 'its first line must name the columns');
  return { header: first.map((name) => name.replace(/^\uFEFF/, '').trim()), delimiter: meta.delimiter };
}

function parts(content: string, delimiter: string): string[] {
  const ends = partEnds(content, delimiter, PART);
  return ends.map((end, index) => content.slice(ends[index - 1] ?? 0, end));
}

function scoreHere(predictor: Predictor, texts: string[], scored: Scored): void {
  const scoring = new PartScoring(predictor, scored.header, scored.delimiter);
  texts.forEach((text, index) => scored.add(scoring.score(text, index), text.length));
}

/** Hands every helper a part, and another for each that comes back. */
function scoreByHelpers(start: Start, texts: string[], scored: Scored): Promise<void> {
  const helpers = Array.from({ length: Math.min(navigator.hardwareConcurrency || 1, texts.length) }, () => new Worker(new URL('./batch-helper.ts', import.meta.url), { type: 'module' }));
  let next = 0;
  let n_left = texts.length;
  const hand = (helper: Worker) => {
    if (next < texts.length) helper.postMessage({ kind: 'part', index: next, text: texts[next]! } satisfies Part);
    next += 1;
  };
  const all = new Promise<void>((resolve, reject) => {
    for (const helper of helpers) {
      helper.addEventListener('message', ({ data }: MessageEvent<ScoredPart | Failed>) => {
        if (data.kind === 'failed') return reject(new Failure(data.message, data.hint));
        scored.add(data, texts[data.index]!.length);
        n_left -= 1;
        if (n_left === 0) resolve();
        return hand(helper);
      });
      helper.addEventListener('error', ({ message }) => reject(new Failure(message || 'a helper of the web worker did not start', 'reload the page')));
      helper.postMessage(start);
      hand(helper);
    }
  });
  return all.finally(() => helpers.forEach((helper) => helper.terminate()));
}

/** What is known of a file so far. */
class Scored {
  private readonly parts: (ScoredPart | undefined)[] = [];
  private readonly first: string;
  private n_rows = 0;
  private n_characters = 0;

  constructor(
    private readonly contract: Contract,
    readonly header: string[],
    readonly delimiter: string,
    private readonly length: number,
  ) {
    this.first = written([[...header, ...addedColumns(contract, header)]], delimiter);
  }

  /** Keeps a part, whatever its place, and says how far all is. */
  add(part: ScoredPart, n_characters: number): void {
    this.parts[part.index] = part;
    this.n_rows += part.n_rows;
    this.n_characters += n_characters;
    tell({ kind: 'progress', n_rows: this.n_rows, share: Math.min(1, this.n_characters / this.length) });
  }

  done(started: number): News {
    const parts = this.parts.filter((part) => part !== undefined);
    const sum = (of: (part: ScoredPart) => number) => parts.reduce((sum, part) => sum + of(part), 0);
    return {
      kind: 'done',
      scored: new Blob([this.first, ...parts.map(({ lines }) => lines)], { type: 'text/csv' }),
      n_rows: this.n_rows,
      n_flagged: sum(({ n_flagged }) => n_flagged),
      n_set_aside: sum(({ n_set_aside }) => n_set_aside),
      refusals: this.refusals(parts),
      labels: this.contract.target.classes.map((name, index) => [name, sum(({ labels }) => labels[index]!)]),
      milliseconds: performance.now() - started,
    };
  }

  /** The first rows set aside, by their place in the file. */
  private refusals(parts: ScoredPart[]): Refusal[] {
    const all: Refusal[] = [];
    let before = 0;
    for (const { refusals, n_rows } of parts) {
      for (const { row, reason } of refusals) if (all.length < N_REFUSALS) all.push({ row: before + row, reason });
      before += n_rows;
    }
    return all;
  }
}
