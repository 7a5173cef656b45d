/** What the model is, where it came from and how good it was. */

import type { Manifest } from './contract';
import { html } from './dom';
import type { Model } from './model';
import { count, metricName, percent } from './words';

/** The facts at the foot of the page. */
export function createFacts(model: Model): HTMLElement {
  const { info, manifest } = model;
  const head = html('h2', { id: 'facts-title' }, 'Model');
  const root = html('section', { class: 'card facts', 'aria-labelledby': 'facts-title' }, head, about(model));
  if (!manifest) {
    root.append(html('p', { class: 'hint' }, 'No manifest.json lies beside the model, so its dates and metrics are not known here.'));
  } else if (manifest.contract !== info.contract_digest) {
    root.append(html('p', { class: 'flag' }, 'manifest.json beside this model describes another contract; its metrics are not shown. Deploy the bundle as a whole.'));
  } else {
    root.append(training(manifest), metrics(manifest));
  }
  return root;
}

/** The line that warns of made-up rows, where it applies. */
export function syntheticBanner(model: Model): HTMLElement[] {
  if (!model.info.synthetic) return [];
  const text = ' A generator made the rows that this model learned from; its numbers say nothing about real people.';
  return [html('p', { class: 'banner', role: 'note' }, html('b', {}, 'Synthetic data.'), text)];
}

function about({ info, bytes, ready_ms, contract }: Model): HTMLElement {
  return list([
    ['Name', info.name],
    ['Version', String(info.version)],
    ['Family', info.family],
    ['Dataset', contract.dataset],
    ['Threshold', info.threshold === null ? 'none: the most probable class' : percent(info.threshold)],
    ['File', `${count(Math.round(bytes.length / 1024))} KiB, ready after ${count(Math.round(ready_ms))} ms`],
    ['Contract', info.contract_digest.slice(0, 12)],
  ]);
}

function training({ data, created, parity }: Manifest): HTMLElement {
  return list([
    ['Trained', created.slice(0, 10)],
    ['Rows dated', [data.first_date ?? 'not dated', data.last_date].filter(Boolean).join(' to ')],
    ['Training rows', count(data.n_train)],
    ['Validation rows', count(data.n_validation)],
    ...(data.n_logged > 0 ? [['From the log', `${count(data.n_logged)} of these rows`] as [string, string]] : []),
    ['Parity', `file and fitted model differ by ${parity.largest_difference.toExponential(1)} at most over ${count(parity.n_rows)} rows`],
  ]);
}

function metrics({ validation }: Manifest): HTMLElement {
  // The number of rows stands among the facts of training.
  const measured = Object.entries(validation).filter(([name]) => name !== 'n_rows');
  const rows = measured.map(([name, value]): [string, string] => [metricName(name), value.toFixed(4)]);
  const root = list(rows);
  root.classList.add('metrics');
  return html('div', { class: 'metrics-block' }, html('h3', {}, 'On the validation rows'), root);
}

function list(rows: [string, string][]): HTMLElement {
  return html('dl', {}, ...rows.map(([name, value]) => html('div', {}, html('dt', {}, name), html('dd', {}, value))));
}
