/** A text of CSV cut into parts that begin and end with whole rows, so that several workers can read them. */

const QUOTE = 34;
const NEWLINE = 10;
const RETURN = 13;
const BYTE_ORDER_MARK = 0xfeff;

/**
 * The ends of parts of at least `size` characters. A line end within quotes ends no row; a quote opens only where a field begins, as in
 * the reader of CSV.
 */
export function partEnds(text: string, delimiter: string, size: number): number[] {
  const separator = delimiter.charCodeAt(0);
  const ends: number[] = [];
  let isQuoted = false;
  let isFieldStart = true;
  let from = 0;
  for (let at = text.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (isQuoted) {
      if (code === QUOTE) {
        if (text.charCodeAt(at + 1) === QUOTE) at += 1;
        else isQuoted = false;
      }
    } else if (code === QUOTE && isFieldStart) {
      isQuoted = true;
    } else if (code === NEWLINE && at + 1 - from >= size) {
      ends.push(at + 1);
      from = at + 1;
    }
    isFieldStart = !isQuoted && (code === separator || code === NEWLINE || code === RETURN);
  }
  if (from < text.length) ends.push(text.length);
  return ends;
}
