/** A WebAssembly module with the memory that an instance of it has come to. Format: https://webassembly.github.io/spec/core/binary/ */

const HEADER_BYTES = 8;
const SECTION = { memory: 5, start: 8, data: 11, dataCount: 12 };
/** Instructions of a segment's offset. */
const I32_CONST = 0x41;
const END = 0x0b;
const MEMORY_HAS_MOST = 1;
/** A run of zeros as long as this parts two segments: a segment's own head takes about as much. */
const GAP_BYTES = 16;

/** The module with `memory`, an ArrayBuffer of whole pages, as its memory at the start. Its globals must be as they were. */
export function withMemory(module, memory) {
  const sections = [...readSections(module)];
  if (sections.some(({ id }) => id === SECTION.start)) throw new Error('a module that does something at its start cannot be kept as it is after it');
  const segments = readSegments(new Uint8Array(memory));
  const remade = {
    [SECTION.memory]: (content) => memorySection(content, memory.byteLength >> 16),
    [SECTION.dataCount]: () => unsigned(segments.length),
    [SECTION.data]: () => vector(segments),
  };
  const parts = sections.flatMap(({ id, content }) => {
    const bytes = remade[id]?.(content) ?? content;
    return [[id], unsigned(bytes.length), bytes];
  });
  return Buffer.concat([module.subarray(0, HEADER_BYTES), ...parts.map((part) => Uint8Array.from(part))]);
}

function* readSections(module) {
  for (let at = HEADER_BYTES; at < module.length; ) {
    const id = module[at];
    const [length, begin] = readUnsigned(module, at + 1);
    at = begin + length;
    yield { id, content: module.subarray(begin, at) };
  }
}

/** One memory, which has the pages that it has now, and may get as many as before. */
function memorySection(content, nPages) {
  const [count, flags] = content;
  if (count !== 1 || flags > MEMORY_HAS_MOST) throw new Error('only a module with one memory of its own, of 32 bits and not shared, can be kept');
  const [, end] = readUnsigned(content, 2);
  return [count, flags, ...unsigned(nPages), ...content.subarray(end)];
}

/** What is not zero. */
function readSegments(bytes) {
  const segments = [];
  for (let begin = nextOther(bytes, 0); begin < bytes.length; ) {
    let end = begin;
    let next = begin;
    while (next < bytes.length && next - end < GAP_BYTES) {
      end = nextZero(bytes, next);
      next = nextOther(bytes, end);
    }
    segments.push(Buffer.concat([Uint8Array.of(0, I32_CONST, ...signed(begin), END, ...unsigned(end - begin)), bytes.subarray(begin, end)]));
    begin = next;
  }
  return segments;
}

const nextZero = (bytes, from) => find(bytes, from, (byte) => byte === 0);
const nextOther = (bytes, from) => find(bytes, from, (byte) => byte !== 0);

/** Where the next such byte lies; behind the last where there is none. */
function find(bytes, from, is) {
  let at = from;
  while (at < bytes.length && !is(bytes[at])) at += 1;
  return at;
}

function vector(items) {
  return Buffer.concat([Uint8Array.from(unsigned(items.length)), ...items]);
}

/** LEB128. */
function unsigned(value) {
  const bytes = [];
  for (let left = value; ; left >>>= 7) {
    if (left < 0x80) return [...bytes, left];
    bytes.push((left & 0x7f) | 0x80);
  }
}

function signed(value) {
  const bytes = [];
  for (let left = value; ; left >>= 7) {
    if (left >= -0x40 && left < 0x40) return [...bytes, left & 0x7f];
    bytes.push((left & 0x7f) | 0x80);
  }
}

/** A number, and where it ends. */
function readUnsigned(bytes, from) {
  let value = 0;
  for (let at = from, shift = 0; ; at += 1, shift += 7) {
    value |= (bytes[at] & 0x7f) << shift;
    if (bytes[at] < 0x80) return [value >>> 0, at + 1];
  }
}
