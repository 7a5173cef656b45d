/** One field of the form: a label, a control made for the column's kind, and a place for notes. */

import type { CategoricalColumn, Column, DateColumn, NumericColumn, Value } from './contract';
import { html, prose } from './dom';
import { dateRange, number, range } from './words';

/** A field that can be read and written. */
export interface Field {
  column: Column;
  root: HTMLElement;
  /** What stands there; undefined when it is not a value at all. */
  read(): Value | undefined;
  write(value: Value): void;
  /** Replaces the notes under the control. */
  note(texts: string[], kind: 'flag' | 'error'): void;
}

/** The control of a field, without its surroundings. */
interface Control {
  /** The element that the label belongs to. */
  main: HTMLElement;
  parts: HTMLElement[];
  read(): Value | undefined;
  write(value: Value): void;
}

const OTHER = '\u0000other';
const UNKNOWN = '\u0000unknown';

let n_fields = 0;

/** Builds the field of a column; `changed` is called whenever a person changes it. */
export function createField(column: Column, changed: () => void): Field {
  const id = `field-${++n_fields}`;
  const control = createControl(column, id, changed);
  const hint = html('p', { class: 'hint', id: `${id}-hint` }, hintText(column));
  const notes = html('div', { class: 'notes', id: `${id}-notes` });
  control.main.setAttribute('aria-describedby', `${hint.id} ${notes.id}`);
  const root = html('div', { class: 'field' }, html('label', { for: id }, column.name), ...control.parts, hint, notes);
  root.dataset.column = column.name;
  const note = (texts: string[], kind: 'flag' | 'error') => {
    notes.replaceChildren(...texts.map((text) => html('p', { class: kind }, ...(kind === 'error' ? prose(text) : [text]))));
    root.classList.toggle('has-flag', texts.length > 0 && kind === 'flag');
    control.main.setAttribute('aria-invalid', String(texts.length > 0 && kind === 'error'));
  };
  return { column, root, read: control.read, write: control.write, note };
}

function createControl(column: Column, id: string, changed: () => void): Control {
  switch (column.kind) {
    case 'numeric':
      return numericControl(column, id, changed);
    case 'categorical':
      return levelControl(column, id, changed);
    case 'date':
      return dateControl(column, id, changed);
  }
}

function hintText(column: Column): string {
  return [column.about, limits(column)].filter(Boolean).join(' · ');
}

function limits(column: Column): string {
  if (column.kind === 'numeric') return range(column);
  return column.kind === 'date' ? dateRange(column) : '';
}

function dateControl(column: DateColumn, id: string, changed: () => void): Control {
  const limit = (date: string, time: string) => (column.time ? `${date}T${time}` : date);
  const input = html('input', { type: column.time ? 'datetime-local' : 'date', id, min: limit('0001-01-01', '00:00'), max: limit('9999-12-31', '23:59'), autocomplete: 'off' });
  const unknown = html('button', { type: 'button', class: 'unknown', 'aria-label': `${column.name} is not known` }, 'not known');
  let last: Value = column.median;
  const read = () => (input.validity.badInput ? undefined : input.value === '' ? null : input.value);
  const show = () => {
    const value = read();
    if (value) last = value;
    unknown.setAttribute('aria-pressed', String(value === null));
  };
  const write = (value: Value) => {
    input.value = value === null ? '' : forInput(String(value), column);
    show();
  };
  input.addEventListener('input', () => {
    show();
    changed();
  });
  unknown.addEventListener('click', () => {
    write(read() === null ? last : null);
    changed();
  });
  return { main: input, parts: [html('div', { class: 'row' }, input, unknown)], read, write };
}

/** A date as its control takes it: with a time of day where the column has one. */
function forInput(value: string, column: DateColumn): string {
  const [date = '', time = '00:00'] = value.split('T');
  return column.time ? `${date}T${time}` : date;
}

function numericControl(column: NumericColumn, id: string, changed: () => void): Control {
  const input = html('input', { type: 'number', id, step: column.integer ? 1 : 'any', inputmode: 'decimal', placeholder: 'not known', autocomplete: 'off' });
  const slider = html('input', { type: 'range', min: column.minimum, max: column.maximum, step: column.integer ? 1 : 'any', tabindex: -1, 'aria-label': `${column.name}, slider`, class: 'slider' });
  const unknown = html('button', { type: 'button', class: 'unknown', 'aria-label': `${column.name} is not known` }, 'not known');
  let last = column.median;
  const read = () => (input.validity.badInput ? undefined : input.value === '' ? null : Number(input.value));
  const show = () => {
    const value = read();
    if (typeof value === 'number') last = value;
    slider.value = String(last);
    slider.classList.toggle('idle', value === null);
    unknown.setAttribute('aria-pressed', String(value === null));
  };
  const write = (value: Value) => {
    input.value = value === null ? '' : String(value);
    show();
  };
  const react = (action: () => void) => () => {
    action();
    changed();
  };
  input.addEventListener('input', react(show));
  slider.addEventListener('input', react(() => write(roughly(slider.valueAsNumber, column))));
  unknown.addEventListener('click', react(() => write(read() === null ? last : null)));
  return { main: input, parts: [html('div', { class: 'row' }, input, unknown), slider], read, write };
}

/** A slider's position as a person would write it: four digits of the range. */
function roughly(value: number, column: NumericColumn): number {
  if (column.integer) return Math.round(value);
  const unit = 10 ** (Math.floor(Math.log10(column.maximum - column.minimum || 1)) - 3);
  return Number((Math.round(value / unit) * unit).toPrecision(12));
}

function levelControl(column: CategoricalColumn, id: string, changed: () => void): Control {
  const levels = column.levels.map((level) => html('option', { value: level }, level));
  const select = html(
    'select',
    { id },
    ...levels,
    html('hr'),
    html('option', { value: UNKNOWN }, 'not known'),
    html('option', { value: OTHER }, 'other…'),
  );
  const other = html('input', { type: 'text', class: 'other', 'aria-label': `${column.name}, another text`, placeholder: 'another text', autocomplete: 'off', maxlength: 1024 });
  const show = () => {
    other.hidden = select.value !== OTHER;
  };
  const read = () => (select.value === UNKNOWN ? null : select.value === OTHER ? other.value.trim() || null : select.value);
  const write = (value: Value) => {
    const known = value === null || column.levels.includes(String(value));
    select.value = value === null ? UNKNOWN : known ? String(value) : OTHER;
    if (!known) other.value = String(value);
    show();
  };
  select.addEventListener('input', () => {
    show();
    if (select.value === OTHER) other.focus();
    changed();
  });
  other.addEventListener('input', changed);
  return { main: select, parts: [select, other], read, write };
}

/** The value of a field as a short text. */
export function valueText(value: Value): string {
  if (value === null) return 'not known';
  return typeof value === 'number' ? number(value) : value;
}
