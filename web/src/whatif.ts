/** What if one column were different? The record scored again over that column's range. */

import type { CategoricalColumn, Column, DateColumn, Fields, NumericColumn, Prediction, RowRefusal, Value } from './contract';

/** One answer: the column's value and the followed class's probability. */
export interface Point {
  value: Value;
  probability: number;
}

/** Whatever predicts many records at once. */
export interface PredictsMany {
  predictMany(records: Fields[]): (Prediction | RowRefusal)[];
}

/** Points of a numeric column. */
export const N_POINTS = 40;
/** Levels of a categorical column that are shown, most frequent first. */
export const N_LEVELS = 24;

/** The values that a column is tried with; the record's own level is among them. */
export function candidates(column: Column, current: Value): Value[] {
  switch (column.kind) {
    case 'numeric':
      return numbers(column);
    case 'categorical':
      return levels(column, current);
    case 'date':
      return days(column, current);
  }
}

/** The probability at each of these values, everything else as in the record. */
export function tryValues(predictor: PredictsMany, record: Fields, column: Column, values: Value[], followed: string): Point[] {
  const records = values.map((value) => ({ ...record, [column.name]: value }));
  const predictions = predictor.predictMany(records);
  return predictions.flatMap((prediction, index) => {
    // A level that the predictor refuses, such as an overlong one, has no point.
    if ('error' in prediction) return [];
    return [{ value: values[index] ?? null, probability: prediction.probabilities[followed] ?? 0 }];
  });
}

function numbers({ minimum, maximum, integer }: NumericColumn): number[] {
  const width = maximum - minimum;
  const at = (index: number) => minimum + (width * index) / (N_POINTS - 1);
  const even = Array.from({ length: N_POINTS }, (_, index) => (integer ? Math.round(at(index)) : at(index)));
  return [...new Set(even)];
}

/** The days around a date, at its time of day: over the whole range, the days of the week would be lost between two points. */
function days(column: DateColumn, current: Value): string[] {
  const [date = '', time] = String(current ?? column.median).split('T');
  const middle = dayNumber(date);
  const around = Array.from({ length: N_POINTS + 1 }, (_, index) => middle + index - N_POINTS / 2);
  return around.map((day) => dayText(day) + (time === undefined ? '' : `T${time}`));
}

const DAY_MS = 86_400_000;

/** Days since 1970-01-01 of a date, whatever its time of day. */
export function dayNumber(date: string): number {
  return Date.parse(`${date.slice(0, 10)}T00:00:00Z`) / DAY_MS;
}

/** The date of a day since 1970-01-01. */
export function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

function levels(column: CategoricalColumn, current: Value): Value[] {
  const shown = column.levels.slice(0, N_LEVELS);
  const extra = current !== null && !shown.includes(String(current)) ? [current] : [];
  return [...shown, ...extra, null];
}
