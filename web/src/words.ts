/** Numbers, flags and decisions as people read them. */

import type { DateColumn, Flag, NumericColumn, Prediction, Target } from './contract';

const plain = new Intl.NumberFormat('en', { maximumSignificantDigits: 6 });
const scientific = new Intl.NumberFormat('en', { maximumSignificantDigits: 4, notation: 'scientific' });
const whole = new Intl.NumberFormat('en');
const NO_BREAK = '\u00a0';

/** A count with thousands separated. */
export function count(n: number): string {
  return whole.format(n);
}

/** A column's number. */
export function number(value: number): string {
  const size = Math.abs(value);
  const format = size >= 1e12 || (size > 0 && size < 1e-6) ? scientific : plain;
  return format.format(value).replaceAll('-', '−');
}

/** A probability as a percentage: one decimal, two below one per cent, never a rounded 0 or 100. */
export function percent(probability: number): string {
  const value = probability * 100;
  if (value > 0 && value < 0.01) return `<${NO_BREAK}0.01${NO_BREAK}%`;
  if (value < 100 && value > 99.99) return `>${NO_BREAK}99.99${NO_BREAK}%`;
  const digits = value < 1 || value > 99 ? 2 : 1;
  return `${value.toFixed(value === 0 || value === 100 ? 0 : digits)}${NO_BREAK}%`;
}

/** A difference between probabilities, in points of a hundred, with its sign. */
export function difference(by: number): string {
  const points = Math.abs(by) * 100;
  return `${sign(by)}${points.toFixed(points < 0.095 ? 2 : 1)}`;
}

/** A number with its sign. */
export function signed(by: number): string {
  return `${sign(by)}${Math.abs(by).toFixed(2)}`;
}

function sign(by: number): string {
  return by < 0 ? '−' : '+';
}

/** A duration; microseconds while they are few. */
export function duration(microseconds: number): string {
  if (microseconds >= 1000) return `${(microseconds / 1000).toFixed(1)} ms`;
  return `${microseconds < 10 ? microseconds.toFixed(1) : microseconds.toFixed(0)} µs`;
}

/** The training range of a column. */
export function range(column: NumericColumn): string {
  return `${number(column.minimum)} to ${number(column.maximum)}`.replaceAll(' ', NO_BREAK);
}

/** The training range of a column of dates, without times of day. */
export function dateRange(column: DateColumn): string {
  return `${column.minimum.slice(0, 10)} to ${column.maximum.slice(0, 10)}`.replaceAll(' ', NO_BREAK);
}

/** What a flag means for whoever filled the form. */
export function flagText(flag: Flag): string {
  if (flag.kind === 'unseen-level') {
    return `“${flag.value}” did not occur in training; it is scored as not known.`;
  }
  if (flag.kind === 'far-date') {
    const end = flag.value < flag.minimum ? `before the first training row (${flag.minimum})` : `after the last training row (${flag.maximum})`;
    return `${flag.value} is long ${end}; the model is guessing here.`;
  }
  const side = flag.value < flag.minimum ? 'below' : 'above';
  const limit = flag.value < flag.minimum ? flag.minimum : flag.maximum;
  return `${number(flag.value)} is ${side} every training row (${side === 'below' ? 'least' : 'most'}: ${number(limit)}); the model is guessing here.`;
}

/** Why the label is what it is. */
export function reason(prediction: Prediction, followed: string, target: Target): string {
  const probability = prediction.probabilities[followed] ?? 0;
  if (prediction.threshold === undefined) {
    return `the most probable of ${target.classes.length} classes`;
  }
  const relation = prediction.label === followed ? 'reaches' : 'is below';
  return `${percent(probability)} ${relation} the threshold of ${percent(prediction.threshold)}`;
}

/** A metric's name. */
export function metricName(name: string): string {
  const words = name.split('_').map((word) => (/^(roc|auc|pr|f1|ks|ece)$/.test(word) ? word.toUpperCase() : word));
  return words.join(' ');
}
