/** What crosses from the model into the page. The predictor's package brings its own types; the manifest's is here. */

import type { Contract, Column, Target } from '../../inference-wasm/pkg/lite/inference_wasm.js';

export type {
  CategoricalColumn,
  Column,
  Contract,
  Counterfactual,
  DateColumn,
  Explanation,
  Flag,
  Info,
  NumericColumn,
  Prediction,
  RowRefusal,
  Target,
} from '../../inference-wasm/pkg/lite/inference_wasm.js';

/** One field of a record; null where nothing is known. */
export type Value = number | string | null;

/** A record's fields by column name. */
export type Fields = Record<string, Value>;

/** What a bundle is, where it came from and how good it was; the part that the page shows. */
export interface Manifest {
  created: string;
  /** Digest of the contract. */
  contract: string;
  data: {
    n_train: number;
    n_validation: number;
    n_logged: number;
    first_date: string | null;
    last_date: string | null;
  };
  /** Metrics on the validation rows, by name. */
  validation: Record<string, number>;
  parity: { n_rows: number; largest_difference: number; labels_differ: number };
}

/** The class whose probability is followed: the positive one, else the last. */
export function followedClass(target: Target): string {
  const index = target.positive ?? target.classes.length - 1;
  return target.classes[index] ?? '';
}

/** The record a form starts with: medians (of dates too) and most frequent levels. */
export function typicalFields(contract: Contract): Fields {
  return Object.fromEntries(contract.columns.map((column) => [column.name, typicalValue(column)]));
}

function typicalValue(column: Column): Value {
  return column.kind === 'categorical' ? (column.levels[0] ?? null) : column.median;
}
