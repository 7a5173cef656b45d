/** What the page, its web worker and that one's helpers say to each other about a file. */

/** A file to score. */
export interface Order {
  file: File;
  /** The model. */
  bytes: Uint8Array;
}

/** What the worker says. */
export type News = Progress | Done | Failed;

/** How far it is. */
export interface Progress {
  kind: 'progress';
  n_rows: number;
  /** Of the file, 0 to 1. */
  share: number;
}

/** The file with its predictions, and what is to be said of it. */
export interface Done {
  kind: 'done';
  /** The file's columns, then `label` and a probability for each class; empty where a row was set aside. */
  scored: Blob;
  n_rows: number;
  n_flagged: number;
  n_set_aside: number;
  /** The first of the rows set aside. */
  refusals: Refusal[];
  /** Rows by predicted class, in the contract's order. */
  labels: [string, number][];
  milliseconds: number;
}

/** Why a row has no prediction. */
export interface Refusal {
  /** Its place in the file, from 1, the header not counted. */
  row: number;
  reason: string;
}

/** Why a file cannot be scored, and what to do about it. */
export interface Failed {
  kind: 'failed';
  message: string;
  hint: string;
}

/** What a helper is told first: the model, and how the file's rows are to be read. */
export interface Start {
  kind: 'start';
  bytes: Uint8Array;
  /** The names of the file's columns. */
  header: string[];
  delimiter: string;
}

/** A part of the file for a helper; whole rows, the first part with the header. */
export interface Part {
  kind: 'part';
  index: number;
  text: string;
}

/** A part with its predictions. */
export interface ScoredPart {
  kind: 'scored';
  index: number;
  /** The rows with what is added to them, as text. */
  lines: string;
  n_rows: number;
  n_flagged: number;
  n_set_aside: number;
  /** The first of the rows set aside, counted within the part. */
  refusals: Refusal[];
  /** Rows by predicted class, in the contract's order. */
  labels: number[];
}
