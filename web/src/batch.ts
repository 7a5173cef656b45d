/** A CSV file, dropped or chosen: scored in a web worker and saved; nothing of it leaves the machine. */

import type { Done, News, Order } from './batch-messages';
import { html, prose } from './dom';
import type { Model } from './model';
import { count, percent } from './words';

/** The card. */
export function createBatch(model: Model): HTMLElement {
  const input = html('input', { type: 'file', class: 'visually-hidden', id: 'file', accept: '.csv,.tsv,.txt,text/csv' });
  const zone = html('label', { class: 'zone', for: 'file' }, html('b', {}, 'Choose a CSV file'), ' or drop it here');
  const news = html('div', { class: 'news', role: 'status' });
  const head = html('div', { class: 'section-head' }, html('h2', { id: 'batch-title' }, 'Score a file'), html('p', { class: 'hint' }, 'It is scored in this page; nothing of it leaves your machine.'));
  const root = html('section', { class: 'card batch', 'aria-labelledby': 'batch-title' }, head, input, zone, news);
  let stop = () => {};
  const take = (file: File | undefined) => {
    if (!file) return;
    stop();
    stop = score(model, file, news);
    // So that the same file can be chosen again.
    input.value = '';
  };
  input.addEventListener('change', () => take(input.files?.[0]));
  zone.addEventListener('dragover', (event) => {
    event.preventDefault();
    zone.classList.add('over');
  });
  zone.addEventListener('dragleave', () => zone.classList.remove('over'));
  zone.addEventListener('drop', (event) => {
    event.preventDefault();
    zone.classList.remove('over');
    take(event.dataTransfer?.files[0]);
  });
  return root;
}

/** Starts a worker on a file; the answer ends it, and takes the file it made back. */
function score(model: Model, file: File, news: HTMLElement): () => void {
  const worker = new Worker(new URL('./batch-worker.ts', import.meta.url), { type: 'module' });
  const cancel = html('button', { type: 'button', class: 'quiet' }, 'Cancel');
  const bar = html('progress', { max: 1, value: 0, 'aria-label': `Scoring ${file.name}` });
  const text = html('span', {}, `Reading ${file.name}`);
  let address = '';
  const end = () => {
    worker.terminate();
    URL.revokeObjectURL(address);
    news.replaceChildren();
  };
  cancel.addEventListener('click', end);
  news.replaceChildren(html('p', { class: 'progress' }, bar, text, cancel));
  const fail = (message: string, hint: string) => news.replaceChildren(html('p', { class: 'error' }, ...prose(`Not scored: ${message}; ${hint}.`)));
  worker.addEventListener('message', ({ data }: MessageEvent<News>) => {
    if (data.kind === 'progress') {
      bar.value = data.share;
      text.textContent = `${count(data.n_rows)} rows`;
      return;
    }
    worker.terminate();
    if (data.kind === 'failed') {
      fail(data.message, data.hint);
      return;
    }
    address = URL.createObjectURL(data.scored);
    news.replaceChildren(...summary(data, file.name, address));
  });
  worker.addEventListener('error', ({ message }) => {
    worker.terminate();
    fail(message || 'the web worker did not start', 'reload the page');
  });
  const order: Order = { file, bytes: model.bytes };
  worker.postMessage(order);
  return end;
}

function summary(done: Done, name: string, address: string): HTMLElement[] {
  const n_scored = done.n_rows - done.n_set_aside;
  const labels = done.labels.map(([label, n]) => html('li', {}, html('b', {}, label), ` ${count(n)}${n_scored > 0 ? ` (${percent(n / n_scored)})` : ''}`));
  const save = html('a', { class: 'primary', href: address, download: scoredName(name) }, `Save ${scoredName(name)}`);
  const flagged = done.n_flagged === 0 ? [] : [html('p', { class: 'hint' }, `${rows(done.n_flagged)} hold something that training never saw; they are scored.`)];
  const refusals = done.refusals.map(({ row, reason }) => html('li', {}, `row ${count(row)}: `, ...prose(reason)));
  const more = done.n_set_aside > done.refusals.length ? [html('li', {}, `and ${count(done.n_set_aside - done.refusals.length)} more`)] : [];
  const aside = done.n_set_aside === 0 ? [] : [html('div', { class: 'aside' }, html('p', {}, `${rows(done.n_set_aside)} set aside, without a prediction:`), html('ul', {}, ...refusals, ...more))];
  return [html('p', {}, html('b', {}, `${rows(n_scored)} scored`), ` in ${(done.milliseconds / 1000).toFixed(2)} s`), html('ul', { class: 'labels' }, ...labels), ...flagged, ...aside, html('p', {}, save)];
}

function rows(n: number): string {
  return `${count(n)} ${n === 1 ? 'row' : 'rows'}`;
}

function scoredName(name: string): string {
  return `${name.replace(/\.[^.]*$/, '')}-scored.csv`;
}
