/** Golden models under other numbers. */

import assert from 'node:assert/strict';

const KEY = 'tidemark.version';

/** The same model under another number of one digit: its metadata's text is replaced in the file. */
export function numbered(bytes, version) {
  const copy = Uint8Array.from(bytes);
  // Behind the key stand the value's tag and its length.
  const at = Buffer.from(bytes).indexOf(KEY) + KEY.length + 2;
  assert.equal(String.fromCharCode(copy[at]), '3', 'the golden models are version 3');
  copy[at] = String(version).charCodeAt(0);
  return copy;
}
