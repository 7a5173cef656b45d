/** What went wrong, with a remedy. */

/** Why something cannot be done, and what to do about it. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

/** The text and the hint of anything thrown, as the predictor's errors carry both. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const { message, hint } = error as { message?: unknown; hint?: unknown };
  return new Failure(String(message ?? error), typeof hint === 'string' ? hint : '');
}
