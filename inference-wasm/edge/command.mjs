/** What the commands here share: how they fail, how they write, and the runtime. */

import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const FAILED = 2;
const PACKAGES = join(import.meta.dirname, '..', '..', 'web', 'node_modules');

/** Why a command ends, and what to do about it. */
export class Failure extends Error {
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/** What `what` gives; where it throws, a failure with a hint. */
export function attempt(what, hint) {
  try {
    return what();
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(error.message, hint);
  }
}

/** Runs a command on this program's arguments, and tells how it failed. */
export async function run(main) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(`error: ${error.message}\nhint: ${error.hint}\n`);
    process.exitCode = FAILED;
  }
}

/** Whoever reads meanwhile sees the old file or the new one. */
export function replace(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}

/** The path of workerd: the program itself, where it is at hand, rather than the script that starts it, whose CPU would be read. */
export function workerd() {
  const native = join(PACKAGES, '@cloudflare', `workerd-${process.platform}-64`, 'bin', 'workerd');
  return existsSync(native) ? native : join(PACKAGES, '.bin', 'workerd');
}
