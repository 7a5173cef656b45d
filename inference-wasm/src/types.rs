//! The TypeScript types of what goes in and comes out.

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What a model's records look like, learned from its training rows. */
export interface Contract {
  /** Version of this format; 1. */
  format: number;
  /** Name of the dataset. */
  dataset: string;
  /** Columns in the order of the feature row. */
  columns: Column[];
  /** What is predicted. */
  target: Target;
  /** Texts that mean "missing" in any column. */
  missing_tokens: string[];
}

/** One column of a record. */
export type Column = NumericColumn | CategoricalColumn | DateColumn;

/** A column of numbers. */
export interface NumericColumn {
  name: string;
  /** One line for people. */
  about?: string;
  /** Whether it is as it is: what would change a decision leaves it alone. */
  fixed?: boolean;
  kind: "numeric";
  /** Whether every training value was whole. */
  integer: boolean;
  /** Smallest training value. */
  minimum: number;
  /** Largest training value. */
  maximum: number;
  /** Median of the training values. */
  median: number;
}

/** A column of texts. */
export interface CategoricalColumn {
  name: string;
  /** One line for people. */
  about?: string;
  /** Whether it is as it is: what would change a decision leaves it alone. */
  fixed?: boolean;
  /** Levels of the training rows that are too rare to be listed; where there are some, another text is nothing unusual. */
  n_rare_levels?: number;
  kind: "categorical";
  /** The texts seen in training, most frequent first, without the rare ones. */
  levels: string[];
}

/** A column of dates, which records hold as ISO 8601 texts: "2024-05-31" or "2024-05-31T13:45:00". */
export interface DateColumn {
  name: string;
  /** One line for people. */
  about?: string;
  /** Whether it is as it is: what would change a decision leaves it alone. */
  fixed?: boolean;
  kind: "date";
  /** Whether some training value had a time of day. */
  time: boolean;
  /** Earliest training value. */
  minimum: string;
  /** Latest training value. */
  maximum: string;
  /** Median of the training values. */
  median: string;
}

/** What is predicted. */
export interface Target {
  name: string;
  /** Its classes, in the order of the probabilities. */
  classes: string[];
  /** With two classes, the index of the one whose probability is asked for. */
  positive: number | null;
}

/** Which model this is. */
export interface Info {
  name: string;
  version: number;
  family: string;
  /** With two classes: the probability above which the positive class is predicted. */
  threshold: number | null;
  /** Whether a generator made the training rows. */
  synthetic: boolean;
  /** SHA-256 of the contract. */
  contract_digest: string;
  /** What runs it: `lowered` for models of the trainer, `tract` for others (full build alone). */
  engine: "lowered" | "tract";
}

/** One row to predict: a value for every column, null where it is not known. */
export type InputRecord = { [column: string]: number | string | boolean | null };

/** What the model says of one record. */
export interface Prediction {
  /** The predicted class. */
  label: string;
  /** Each class's probability. */
  probabilities: { [label: string]: number };
  /** With two classes: the probability above which the positive class is predicted. */
  threshold?: number;
  /** What training never saw; the record is scored all the same. */
  flags: Flag[];
}

/** Something about a record that training never saw. */
export type Flag =
  | { kind: "unseen-level"; column: string; value: string }
  | { kind: "out-of-range"; column: string; value: number; minimum: number; maximum: number }
  | { kind: "far-date"; column: string; value: string; minimum: string; maximum: string };

/** What each column adds to a prediction: Shapley values against the background rows in the model's file. */
export interface Explanation {
  /** The class that is explained: with two the positive one, else the predicted one. */
  class: string;
  /** What `base`, `value` and the contributions are in. */
  scale: "log-odds" | "raw-probability" | "probability";
  /** Mean over the background rows. */
  base: number;
  /** The record's: the base and all contributions. */
  value: number;
  /** The class's mean probability over the background rows. */
  base_probability: number;
  /** The class's probability. */
  probability: number;
  /** Exact for trees and linear models; random orders of the columns have a standard error. */
  method: "trees" | "linear" | "orders";
  /** The largest of a contribution from random orders. */
  standard_error?: number;
  /** One for every column, in the contract's order. */
  contributions: Contribution[];
}

/** What one column adds. */
export interface Contribution {
  column: string;
  /** On the scale. */
  contribution: number;
  /** In probability: these add up to the probability less the base probability. Not for log-odds of several classes. */
  points?: number;
}

/** The smallest change that was found to change the predicted class. */
export interface Counterfactual {
  changes: Change[];
  /** Of the changed record. */
  prediction: Prediction;
}

/** One column's change. */
export interface Change {
  column: string;
  from: number | string | null;
  to: number | string | null;
}

/** Why a row of a list has no prediction. */
export interface RowRefusal {
  error: string;
  hint: string;
  /** Its place in the list, from 0. */
  row: number;
}

/** What is thrown. */
export interface PredictorError extends Error {
  /** What to do about it. */
  hint: string;
  /** Of a model that cannot be loaded: whether the full build may run it. */
  needsFullBuild?: boolean;
}
"#;
