/** A model's file with a background, as the trainer writes it: one more entry in the file's metadata. */

const KEY = 'tidemark.background';
const N_ROWS = 20;

/** The same model with background rows that are spread over the contract's ranges and levels. */
export function withBackground(model, { columns }) {
  const value = (column, share) =>
    column.kind === 'categorical' ? Math.floor(share * 7) % column.levels.length : column.minimum + (column.maximum - column.minimum) * share;
  const rows = Array.from({ length: N_ROWS }, (_, row) => columns.map((column, at) => value(column, ((row * 7 + at * 3) % N_ROWS) / N_ROWS)));
  const bytes = Buffer.alloc(4 * N_ROWS * columns.length);
  rows.flat().forEach((number, at) => bytes.writeFloatBE(number, 4 * at));
  const entry = Buffer.concat([field(1, Buffer.from(KEY)), field(2, Buffer.from(bytes.toString('hex')))]);
  return new Uint8Array(Buffer.concat([model, field(14, entry)]));
}

/** A field of bytes in protobuf's encoding. */
function field(number, bytes) {
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function varint(number) {
  return number < 128 ? [number] : [(number & 127) | 128, ...varint(number >> 7)];
}
