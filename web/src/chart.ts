/** The what-if strip: a curve for a column of numbers or dates, bars for a categorical one. */

import type { CategoricalColumn, Column, DateColumn, NumericColumn, Value } from './contract';
import { html, svg } from './dom';
import { valueText } from './field';
import type { Point } from './whatif';
import { N_LEVELS, dayNumber, dayText } from './whatif';
import { count, number, percent } from './words';

/** What a chart shows. */
export interface Answer {
  column: Column;
  current: Value;
  /** Probability of the record as it stands. */
  probability: number;
  threshold: number | null;
  followed: string;
  points: Point[];
}

/** The strip, which calls `choose` when a person picks a value in it. */
export interface Chart {
  root: HTMLElement;
  show(answer: Answer): void;
}

const HEIGHT = 132;
const EDGE = { top: 16, right: 10, bottom: 20, left: 10 };

/** Builds the strip. */
export function createChart(choose: (column: string, value: Value) => void): Chart {
  const title = html('h2', { id: 'whatif-title' }, 'What if');
  const body = html('div', { class: 'chart' });
  const root = html('section', { class: 'whatif', 'aria-labelledby': 'whatif-title' }, title, body);
  let shown: Answer | undefined;
  const draw = () => {
    if (!shown) return;
    const { column } = shown;
    title.replaceChildren('What if ', html('em', {}, column.name), ' were different?');
    const choosing = (value: Value) => choose(column.name, value);
    if (column.kind === 'numeric') body.replaceChildren(curve(shown, numberAxis(column), body.clientWidth, choosing));
    else if (column.kind === 'date') body.replaceChildren(curve(shown, dateAxis(column, shown), body.clientWidth, choosing));
    else showBars(body, shown, column, choosing);
  };
  new ResizeObserver(draw).observe(root);
  const show = (answer: Answer) => {
    shown = answer;
    draw();
  };
  return { root, show };
}

/** Where the values of a column lie on a line, and what stands at a place of it. */
interface Axis {
  name: string;
  minimum: number;
  maximum: number;
  place(value: Value): number | null;
  value(place: number): Value;
  text(place: number): string;
}

function numberAxis(column: NumericColumn): Axis {
  const { name, minimum, maximum } = column;
  const place = (value: Value) => (typeof value === 'number' ? value : null);
  const value = (at: number) => (column.integer ? Math.round(at) : Number(at.toPrecision(4)));
  return { name, minimum, maximum, place, value, text: number };
}

/** The days that are shown. */
function dateAxis(column: DateColumn, answer: Answer): Axis {
  const place = (value: Value) => (value === null ? null : dayNumber(String(value)));
  const places = answer.points.map((point) => place(point.value) ?? 0);
  const [, time] = String(answer.current ?? column.median).split('T');
  const value = (at: number) => dayText(Math.round(at)) + (time === undefined ? '' : `T${time}`);
  const text = (at: number) => dayText(Math.round(at));
  return { name: column.name, minimum: Math.min(...places), maximum: Math.max(...places), place, value, text };
}

function curve(answer: Answer, axis: Axis, width: number, choose: (value: Value) => void): SVGElement {
  const top = ceiling(answer);
  const span = axis.maximum - axis.minimum || 1;
  const x = (value: Value) => EDGE.left + (clamp(((axis.place(value) ?? 0) - axis.minimum) / span) * (width - EDGE.left - EDGE.right));
  const y = (probability: number) => HEIGHT - EDGE.bottom - (probability / top) * (HEIGHT - EDGE.top - EDGE.bottom);
  const line = answer.points.map((point) => `${x(point.value).toFixed(1)} ${y(point.probability).toFixed(1)}`).join('L');
  const floor = HEIGHT - EDGE.bottom;
  const root = svg(
    'svg',
    { width, height: HEIGHT, role: 'img', 'aria-label': describe(answer, axis) },
    svg('path', { class: 'area', d: `M${EDGE.left} ${floor}L${line}L${width - EDGE.right} ${floor}Z` }),
    svg('path', { class: 'axis', d: `M${EDGE.left} ${floor + 0.5}H${width - EDGE.right}` }),
    svg('path', { class: 'line', d: `M${line}` }),
    svg('text', { x: EDGE.left, y: EDGE.top - 4 }, percent(top)),
    svg('path', { class: 'ceiling', d: `M${EDGE.left} ${EDGE.top + 0.5}H${width - EDGE.right}` }),
    ...thresholdLine(answer.threshold, top, width, y),
    ...currentDot(answer, axis, x, y),
    svg('text', { x: EDGE.left, y: HEIGHT - 5 }, axis.text(axis.minimum)),
    svg('text', { x: width - EDGE.right, y: HEIGHT - 5, 'text-anchor': 'end' }, axis.text(axis.maximum)),
  );
  const pick = (event: PointerEvent) => {
    const share = clamp((event.offsetX - EDGE.left) / (width - EDGE.left - EDGE.right));
    choose(axis.value(axis.minimum + share * span));
  };
  root.addEventListener('pointerdown', pick);
  root.addEventListener('pointermove', (event) => event.buttons === 1 && pick(event));
  return root;
}

function thresholdLine(threshold: number | null, top: number, width: number, y: (p: number) => number): SVGElement[] {
  if (threshold === null || threshold > top) return [];
  const at = y(threshold);
  return [
    svg('path', { class: 'threshold', d: `M${EDGE.left} ${at}H${width - EDGE.right}` }),
    svg('text', { class: 'threshold-text', x: width - EDGE.right, y: at - 4, 'text-anchor': 'end' }, `threshold ${percent(threshold)}`),
  ];
}

function currentDot(answer: Answer, axis: Axis, x: (value: Value) => number, y: (p: number) => number): SVGElement[] {
  if (axis.place(answer.current) === null) return [];
  const [cx, cy] = [x(answer.current), y(answer.probability)];
  return [
    svg('path', { class: 'drop', d: `M${cx} ${cy}V${HEIGHT - EDGE.bottom}` }),
    svg('circle', { class: 'dot', cx, cy, r: 5 }),
  ];
}

function showBars(body: HTMLElement, answer: Answer, column: CategoricalColumn, choose: (value: Value) => void): void {
  const top = ceiling(answer);
  const rows = answer.points.map((point) => {
    const chosen = point.value === answer.current;
    const bar = html('span', { class: 'bar', 'aria-hidden': 'true' });
    bar.style.setProperty('--p', String(point.probability / top));
    if (answer.threshold !== null && answer.threshold <= top) bar.style.setProperty('--at', String(answer.threshold / top));
    const text = html('span', { class: 'name' }, valueText(point.value));
    const button = html('button', { type: 'button', class: 'level', 'aria-pressed': String(chosen) }, text, bar, html('span', { class: 'value' }, percent(point.probability)));
    button.addEventListener('click', () => choose(point.value));
    return html('li', {}, button);
  });
  const hidden = column.levels.length - N_LEVELS;
  const rest = hidden > 0 ? [html('p', { class: 'hint' }, `and ${count(hidden)} rarer levels`)] : [];
  const focused = [...body.querySelectorAll('button')].indexOf(document.activeElement as HTMLButtonElement);
  body.replaceChildren(html('ul', { class: answer.threshold === null ? 'bars' : 'bars marked' }, ...rows), ...rest);
  body.querySelectorAll('button')[focused]?.focus();
}

/** The upper end of the scale: a round number above everything shown, so that small changes stay visible. */
function ceiling(answer: Answer): number {
  const highest = Math.max(answer.probability, answer.threshold ?? 0, ...answer.points.map((point) => point.probability));
  return [0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8].find((step) => highest <= step * 0.96) ?? 1;
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}

function describe(answer: Answer, axis: Axis): string {
  const sorted = [...answer.points].sort((a, b) => a.probability - b.probability);
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (!least || !most) return '';
  const at = (point: Point) => `${percent(point.probability)} at ${axis.text(axis.place(point.value) ?? 0)}`;
  return `Probability of ${answer.followed} over ${axis.name}: lowest ${at(least)}, highest ${at(most)}`;
}
