/** The switch that sends predictions to the collector; off until a person turns it on. Where the collector asks for a key, so does it. */

import type { Fields, Prediction } from './contract';
import { html } from './dom';
import { count } from './words';

/** Writes one prediction as a line of the prediction log. */
export type LogRecord = (record: Fields, prediction: Prediction, id: string, time: string) => string;

/** The switch. */
export interface Log {
  root: HTMLElement;
  /** Tells of a new prediction; it is sent when nothing follows for a second. */
  offer(record: Fields, prediction: Prediction): void;
  /** Forgets a prediction that no longer stands. */
  withdraw(): void;
}

/** Where the collector listens. */
export const COLLECTOR = '/v1/predictions';
const STABLE_MS = 1000;
/** Where the tab remembers the key, until it is closed. */
const KEY = 'tidemark-collector-key';
/** What a header may hold. */
const SENDABLE = /^[ -~]*$/;
const TIMEOUT_MS = 10_000;

/** Builds the switch; `switched` is told of every turn. */
export function createLog(logRecord: LogRecord, switched: (on: boolean) => void): Log {
  const box = html('input', { type: 'checkbox', role: 'switch', id: 'log' });
  const message = html('p', { class: 'hint', id: 'log-message', role: 'status' });
  const label = html('label', { for: 'log', class: 'switch' }, box, html('span', {}, 'Log my predictions'));
  const key = keyField(() => send());
  const root = html('div', { class: 'log' }, label, key, message);
  let pending: [Fields, Prediction] | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = '';
  let n_sent = 0;

  const send = async () => {
    if (!pending || !box.checked) return;
    const [record, prediction] = pending;
    const text = JSON.stringify(record);
    if (text === last) return;
    try {
      await post(logRecord(record, prediction, uuid(), new Date().toISOString()));
      last = text;
      key.hidden = true;
      n_sent += 1;
      message.textContent = `${count(n_sent)} sent to ${COLLECTOR}`;
      message.className = 'hint';
    } catch (error) {
      message.textContent = `not logged: ${error instanceof Error ? error.message : String(error)}`;
      message.className = 'error';
      if (error instanceof KeyRefused) key.hidden = false;
    }
  };
  const wait = () => {
    clearTimeout(timer);
    if (box.checked) timer = setTimeout(send, STABLE_MS);
  };
  box.addEventListener('change', () => {
    message.textContent = box.checked ? `each prediction that stands for a second goes to ${COLLECTOR}` : '';
    message.className = 'hint';
    key.hidden ||= !box.checked;
    switched(box.checked);
    wait();
  });
  const offer = (record: Fields, prediction: Prediction) => {
    pending = [record, prediction];
    wait();
  };
  const withdraw = () => {
    pending = undefined;
  };
  return { root, offer, withdraw };
}

/** Where a person gives the key; hidden until it is asked for. */
function keyField(given: () => void): HTMLElement {
  const input = html('input', { type: 'password', id: 'log-key', autocomplete: 'off', spellcheck: 'false' });
  input.addEventListener('change', () => {
    sessionStorage.setItem(KEY, input.value.trim());
    given();
  });
  return html('label', { class: 'key-of-log', hidden: true }, html('span', {}, 'API key of the collector'), input);
}

/** The collector asks for another key. */
class KeyRefused extends Error {}

async function post(line: string): Promise<void> {
  const key = sessionStorage.getItem(KEY);
  if (key && !SENDABLE.test(key)) throw new KeyRefused('a key of the collector has ASCII signs only');
  const response = await fetch(COLLECTOR, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', ...(key && { 'x-api-key': key }) },
    body: `${line}\n`,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => {
    throw new Error('the collector does not answer; is `monitor serve` running?');
  });
  if (response.status === 401) throw new KeyRefused(key ? 'the collector does not know this key' : 'the collector asks for a key');
  if (!response.ok) throw new Error(await refusal(response));
}

async function refusal(response: Response): Promise<string> {
  const answer = (await response.json().catch(() => ({}))) as { error?: unknown };
  return typeof answer.error === 'string' ? answer.error : `the collector answered ${response.status}`;
}

/** A version 4 UUID; `crypto.randomUUID` exists on secure origins only. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
