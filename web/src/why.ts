/** Why this probability: what each column adds to the average, and what would change the decision. */

import type { Contract, Counterfactual, Explanation, Fields, Value } from './contract';
import { html } from './dom';
import { asFailure } from './failure';
import { valueText } from './field';
import { difference, percent, signed } from './words';

/** What explains a record. */
export interface Explains {
  explain(record: Fields): Explanation;
  counterfactual(record: Fields): Counterfactual | undefined;
}

/** The card. */
export interface Why {
  root: HTMLElement;
  /** Explains this record, once a person pauses. */
  offer(record: Fields): void;
  /** There is no record to explain. */
  withdraw(): void;
}

/** Columns that are shown, those that move the probability most. */
const N_SHOWN = 8;
/** Milliseconds without change after which a record is explained. */
const PAUSE_MS = 100;

/** Builds the card; `take` puts changed fields into the form. */
export function createWhy(predictor: Explains, contract: Contract, take: (changes: Fields) => void): Why {
  const body = html('div', { class: 'shares' });
  const answer = html('div', { class: 'change', role: 'status' });
  const ask = html('button', { type: 'button', class: 'quiet' }, 'What would change the decision?');
  const head = html('div', { class: 'section-head' }, html('h2', { id: 'why-title' }, 'Why this probability'), ask);
  const root = html('section', { class: 'card why', 'aria-labelledby': 'why-title' }, head, answer, body);
  let record: Fields | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  ask.addEventListener('click', () => record && answer.replaceChildren(...change(predictor, contract, record, take)));
  const offer = (fields: Fields) => {
    record = fields;
    answer.replaceChildren();
    clearTimeout(timer);
    timer = setTimeout(() => {
      body.replaceChildren(...shares(predictor, fields));
      root.classList.remove('stale');
      ask.disabled = false;
    }, PAUSE_MS);
  };
  const withdraw = () => {
    clearTimeout(timer);
    record = undefined;
    answer.replaceChildren();
    root.classList.add('stale');
    ask.disabled = true;
  };
  return { root, offer, withdraw };
}

function shares(predictor: Explains, record: Fields): HTMLElement[] {
  let explanation: Explanation;
  try {
    explanation = predictor.explain(record);
  } catch (error) {
    const { message, hint } = asFailure(error);
    return [html('p', { class: 'hint' }, `Not known: ${message}; ${hint}.`)];
  }
  // Log-odds of several classes have no points of probability.
  const parts = explanation.contributions.map(({ column, contribution, points }) => ({ column, by: points ?? contribution }));
  const inPoints = explanation.contributions.every(({ points }) => points !== undefined);
  const text = inPoints ? difference : signed;
  parts.sort((a, b) => Math.abs(b.by) - Math.abs(a.by));
  const most = Math.max(...parts.map(({ by }) => Math.abs(by)), Number.MIN_VALUE);
  const rows = parts.slice(0, N_SHOWN).map(({ column, by }) => row(column, record[column] ?? null, by / most, text(by)));
  const rest = parts.slice(N_SHOWN);
  const together = rest.reduce((sum, { by }) => sum + by, 0);
  const others = rest.length > 0 ? [html('p', { class: 'hint' }, `${rest.length} other columns together: ${text(together)}`)] : [];
  return [html('p', { class: 'of' }, ...sentence(explanation, inPoints)), html('ol', {}, ...rows), ...others, html('p', { class: 'hint' }, method(explanation))];
}

function sentence({ class: name, base_probability, probability }: Explanation, inPoints: boolean): (HTMLElement | string)[] {
  const unit = inPoints ? 'in points of probability' : 'in log-odds';
  return [
    'On average the probability of ',
    html('b', {}, name),
    ` is ${percent(base_probability)}; of this record it is ${percent(probability)}. What each column adds, ${unit}:`,
  ];
}

function row(column: string, value: Value, share: number, text: string): HTMLElement {
  const bar = html('span', { class: share < 0 ? 'share lowers' : 'share', 'aria-hidden': 'true' });
  bar.style.setProperty('--by', String(Math.abs(share)));
  const name = html('span', { class: 'name' }, column, html('span', { class: 'is' }, ` ${valueText(value)}`));
  return html('li', {}, name, bar, html('data', { value: String(share) }, text));
}

function method({ method, standard_error }: Explanation): string {
  const against = 'Shapley values against the background rows in the model’s file';
  if (method !== 'orders') return `Exact ${against}.`;
  return `${against}, from random orders of the columns; give or take ${difference(standard_error ?? 0).slice(1)} at most.`;
}

/** The sentence that tells what would have to be different, with a button that tries it. */
function change(predictor: Explains, contract: Contract, record: Fields, take: (changes: Fields) => void): (HTMLElement | string)[] {
  let found: Counterfactual | undefined;
  try {
    found = predictor.counterfactual(record);
  } catch (error) {
    const { message, hint } = asFailure(error);
    return [`Not known: ${message}; ${hint}.`];
  }
  const fixed = contract.columns.filter((column) => column.fixed).map((column) => column.name);
  const stays = fixed.length > 0 ? ` (${fixed.join(', ')} taken as they are)` : '';
  if (!found) return [`No change of up to five columns was found that changes the decision${stays}.`];
  const { changes, prediction } = found;
  const parts = changes.flatMap(({ column, from, to }, index) => [
    index === 0 ? '' : index === changes.length - 1 ? ' and ' : ', ',
    html('b', {}, `${column} ${valueText(to)}`),
    ` instead of ${valueText(from)}`,
  ]);
  const probability = percent(prediction.probabilities[prediction.label] ?? 0);
  const button = html('button', { type: 'button', class: 'quiet' }, 'Try it');
  button.addEventListener('click', () => take(Object.fromEntries(changes.map(({ column, to }) => [column, to]))));
  return ['With ', ...parts, ' the prediction would be ', html('b', {}, prediction.label), ` (${probability})${stays}. `, button];
}
