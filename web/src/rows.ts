/** Rows of a CSV file, as a predictor takes them. */

import type { Contract, Fields, Value } from './contract';
import { Failure } from './failure';

/** Turns a row of texts into a record. */
export type ToRecord = (row: string[]) => Fields;

/** As the trainer reads numbers: decimals, nothing that JavaScript alone takes for one. */
const NUMBER = /^[-+]?[\d.]+(?:[eE][-+]?\d+)?$/;

/** Finds the contract's columns in a header. */
export function recordsOf(contract: Contract, header: string[]): ToRecord {
  const places = contract.columns.map(({ name, kind }) => ({ name, isNumber: kind === 'numeric', at: header.indexOf(name) }));
  const missing = places.filter(({ at }) => at < 0).map(({ name }) => `\`${name}\``);
  if (missing.length > 0) {
    const what = missing.length === 1 ? `has no column ${missing[0]}` : `lacks ${missing.length} columns: ${missing.slice(0, 5).join(', ')}`;
    throw new Failure(`the file ${what}`, `its first line must name the model's columns: ${contract.columns.map(({ name }) => name).join(', ')}`);
  }
  const twice = places.find(({ name, at }) => header.indexOf(name, at + 1) >= 0);
  if (twice) throw new Failure(`the file has two columns \`${twice.name}\``, 'rename or remove one of them');
  return (row) => {
    const record: Fields = {};
    for (const { name, isNumber, at } of places) record[name] = isNumber ? number(row[at] ?? '') : (row[at] ?? '');
    return record;
  };
}

/** A number where the text is one, null where it is empty; any other text is for the predictor to judge. */
function number(text: string): Value {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  const value = NUMBER.test(trimmed) ? Number(trimmed) : Number.NaN;
  return Number.isNaN(value) ? trimmed : value;
}

/** The columns that predictions add to a file. */
export function addedColumns(contract: Contract, header: string[]): string[] {
  const added = ['label', ...contract.target.classes.map((name) => `probability_${name}`)];
  const taken = added.find((name) => header.includes(name));
  if (taken !== undefined) throw new Failure(`the file already has a column \`${taken}\``, 'rename it, so that the prediction can have its name');
  return added;
}
