/** The page once a model is there: form, result, what-if strip, log switch and facts, wired together. */

import { createBatch } from './batch';
import type { Chart } from './chart';
import { createChart } from './chart';
import type { Contract, Fields, Prediction, Value } from './contract';
import { followedClass, typicalFields } from './contract';
import { html } from './dom';
import { createFacts, syntheticBanner } from './facts';
import { asFailure } from './failure';
import type { Form } from './form';
import { createForm } from './form';
import { fromHash, toHash } from './link';
import type { Log } from './log';
import { createLog } from './log';
import type { Model } from './model';
import type { Result, Timing } from './result';
import { createResult } from './result';
import { candidates, tryValues } from './whatif';
import type { Why } from './why';
import { createWhy } from './why';

/** Milliseconds after the last change until the address follows; browsers limit how often it may change. */
const ADDRESS_MS = 300;
/**
 * Milliseconds for which a prediction is repeated to time it, since a clock in a browser ticks in steps of up to 100 µs.
 * The first prediction also waits for compilation and does not count.
 */
const TIMING_MS = 1.5;
/** And at least so often. */
const TIMING_RUNS = 8;

/** Fills the page and keeps it up to date. */
export function startPlayground(model: Model, page: HTMLElement, tagline: HTMLElement): void {
  const playground = new Playground(model, tagline);
  page.replaceChildren(...syntheticBanner(model), playground.notice, playground.form.root, playground.aside, playground.why.root, createBatch(model), createFacts(model));
  playground.readAddress();
  window.addEventListener('hashchange', () => playground.readAddress());
}

class Playground {
  readonly form: Form;
  readonly aside: HTMLElement;
  readonly why: Why;
  readonly notice = html('p', { class: 'banner', role: 'note', hidden: true });
  private readonly contract: Contract;
  private readonly result: Result;
  private readonly chart: Chart;
  private readonly log: Log;
  private readonly followed: string;
  private focused: string;
  private frame = 0;
  private address: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly model: Model,
    tagline: HTMLElement,
  ) {
    this.contract = model.contract;
    this.followed = followedClass(this.contract.target);
    this.focused = this.contract.columns[0]?.name ?? '';
    this.form = createForm(this.contract, {
      changed: () => this.schedule(),
      focused: (column) => this.focus(column),
      reset: () => this.write(typicalFields(this.contract)),
    });
    this.result = createResult(this.contract, model.info);
    this.chart = createChart((column, value) => this.choose(column, value));
    this.why = createWhy(model.predictor, this.contract, (changes) => this.take(changes));
    this.log = createLog(
      (...parts) => model.predictor.logRecord(...parts),
      (on) => (tagline.textContent = on ? 'Scores in this page. Logging is on: predictions are sent.' : 'Scores in this page. Nothing leaves it.'),
    );
    const actions = html('div', { class: 'actions' }, copyButton(() => this.writeAddress()), this.log.root);
    this.aside = html('aside', { class: 'card result', 'aria-label': 'Prediction' }, this.result.headline, this.result.classes, this.chart.root, actions);
  }

  /** Takes the record from the address, and says so where a link was made for another model. */
  readAddress(): void {
    const { fields, unknown } = fromHash(location.hash, this.contract);
    const names = unknown.slice(0, 5).map((name) => `“${name}”`).join(', ');
    this.notice.textContent = `This link was made for another model: it names ${names}, which this one does not know. The rest was taken over.`;
    this.notice.hidden = unknown.length === 0;
    this.write(fields);
  }

  private write(fields: Fields): void {
    this.form.write(fields);
    this.schedule();
  }

  private choose(column: string, value: Value): void {
    this.take({ [column]: value });
  }

  private take(changes: Fields): void {
    for (const [column, value] of Object.entries(changes)) this.form.fields.get(column)?.write(value);
    this.schedule();
  }

  private focus(column: string): void {
    if (column === this.focused) return;
    this.focused = column;
    this.schedule();
  }

  /** Scores once per frame, however often a person types. */
  private schedule(): void {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.update();
    });
  }

  private update(): void {
    const read = this.form.read();
    if ('invalid' in read) {
      this.form.showFlags([]);
      for (const column of read.invalid) this.form.showError(column, `This is not ${this.expected(column)}; leave it empty if it is not known.`);
      this.refuse(read.invalid.map((column) => `“${column}” is not ${this.expected(column)}`).join(', '), '');
      return;
    }
    try {
      this.predict(read.record);
    } catch (error) {
      const { message, hint } = asFailure(error);
      this.form.showFlags([]);
      const column = /`([^`]+)`/.exec(message)?.[1];
      if (column !== undefined) this.form.showError(column, message);
      this.refuse(message, hint);
    }
  }

  private expected(name: string): string {
    return this.contract.columns.find((column) => column.name === name)?.kind === 'date' ? 'a date' : 'a number';
  }

  private predict(record: Fields): void {
    const [prediction, timing] = this.timed(record);
    this.result.show(prediction, timing);
    this.form.showFlags(prediction.flags);
    this.why.offer(record);
    this.log.offer(record, prediction);
    this.showWhatIf(record, prediction);
    clearTimeout(this.address);
    this.address = setTimeout(() => this.writeAddress(), ADDRESS_MS);
  }

  private writeAddress(): void {
    const read = this.form.read();
    if ('record' in read) history.replaceState(null, '', toHash(read.record));
  }

  private refuse(message: string, hint: string): void {
    this.log.withdraw();
    this.why.withdraw();
    this.result.showError(message, hint);
  }

  private timed(record: Fields): [Prediction, Timing] {
    const { predictor } = this.model;
    const prediction = predictor.predict(record);
    const start = performance.now();
    let n_runs = 0;
    while (n_runs < TIMING_RUNS || performance.now() - start < TIMING_MS) {
      predictor.predict(record);
      n_runs += 1;
    }
    return [prediction, { microseconds: ((performance.now() - start) * 1000) / n_runs, n_runs }];
  }

  private showWhatIf(record: Fields, prediction: Prediction): void {
    const column = this.contract.columns.find((candidate) => candidate.name === this.focused);
    if (!column) return;
    const current = record[column.name] ?? null;
    const points = tryValues(this.model.predictor, record, column, candidates(column, current), this.followed);
    const probability = prediction.probabilities[this.followed] ?? 0;
    this.chart.show({ column, current, probability, threshold: this.model.info.threshold, followed: this.followed, points });
  }
}

function copyButton(writeAddress: () => void): HTMLElement {
  const button = html('button', { type: 'button', class: 'quiet' }, 'Copy link to this record');
  button.addEventListener('click', async () => {
    writeAddress();
    const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
    button.textContent = copied ? 'Copied' : 'Copy it from the address bar';
    setTimeout(() => (button.textContent = 'Copy link to this record'), 2000);
  });
  return button;
}
