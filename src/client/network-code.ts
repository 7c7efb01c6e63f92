// Why no answer came, in the system's own words, and whether the request can have reached anyone.

/** The request cannot have reached anyone. */
export const neverSent: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  // No such socket, or none that may be used.
  'ENOENT',
  'EACCES',
]);

/** The system's code, out of the causes that fetch wraps around it; failing that, its words. */
export function networkCode(error: unknown): string {
  let found = 'unknown reason';
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string' && at.code !== '') return at.code;
    found = at.message;
  }
  return found;
}
