/** A record in the address: `#age=41&plan=plus`. What follows `#` is never sent to a server. */

import type { Column, Contract, Fields, Value } from './contract';
import { typicalFields } from './contract';

/** What a link says, and which of its columns this model does not have. */
export interface Linked {
  fields: Fields;
  unknown: string[];
}

/** The record as the part of an address after `#`; an empty value means not known. */
export function toHash(fields: Fields): string {
  const pairs = Object.entries(fields).map(([name, value]) => [name, value === null ? '' : String(value)]);
  return `#${new URLSearchParams(pairs)}`;
}

/** Reads a record back; columns that the link leaves out or garbles keep their typical value. */
export function fromHash(hash: string, contract: Contract): Linked {
  const pairs = [...new URLSearchParams(hash.replace(/^#/, ''))];
  const columns = new Map(contract.columns.map((column) => [column.name, column]));
  const fields = typicalFields(contract);
  for (const [name, text] of pairs) {
    const column = columns.get(name);
    if (column) fields[name] = fromText(column, text, fields[name] ?? null);
  }
  return { fields, unknown: pairs.map(([name]) => name).filter((name) => !columns.has(name)) };
}

function fromText(column: Column, text: string, otherwise: Value): Value {
  if (text === '') return null;
  if (column.kind === 'categorical') return text;
  if (column.kind === 'date') return Number.isNaN(Date.parse(text)) ? otherwise : text;
  const value = Number(text);
  return Number.isFinite(value) ? value : otherwise;
}
