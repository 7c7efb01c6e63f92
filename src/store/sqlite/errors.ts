// What SQLite's errors mean to the layers above. Result codes: https://sqlite.org/rescode.html
import { Refusal, StoreMisconfigured, StoreUnavailable } from '../../domain/refusal.ts';
import { ConstraintViolation } from '../sql/database.ts';

/** Primary result codes: the lowest byte of an extended one. */
const code = {
  busy: 5,
  locked: 6,
  noMemory: 7,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  tooBig: 18,
  constraint: 19,
  mismatch: 20,
  notADatabase: 26,
} as const;

/** Extended result codes of `constraint`. */
const constraint = {
  check: 275,
  foreignKey: 787,
  notNull: 1299,
  primaryKey: 1555,
  trigger: 1811,
  unique: 2067,
  dataType: 3091,
} as const;

/** The result code, or undefined when the error is not SQLite's. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('rawCode' in error && typeof error.rawCode === 'number') return error.rawCode;
  // The driver tells of a file that it cannot open in words alone.
  const opening = /^ConnectionFailed\(.*: (\d+)"\)$/.exec(error.message);
  return opening ? Number(opening[1]) : undefined;
}

/** Somebody else has the lock: nothing happened, wait and try again. */
export function isBusy(error: unknown): boolean {
  const primary = (resultCode(error) ?? 0) & 0xff;
  return primary === code.busy || primary === code.locked;
}

/** Pages of the file do not hold together. */
export function isCorrupt(error: unknown): boolean {
  return ((resultCode(error) ?? 0) & 0xff) === code.corrupt;
}

/** `committing`: the failure came from COMMIT itself, so that what was written may or may not be there after all. */
export function translateError(error: unknown, file: string, committing = false): Error {
  const raw = resultCode(error);
  if (raw === undefined) return error instanceof Error ? error : new Error(String(error));
  const said = error instanceof Error ? error.message : String(error);
  const options = { cause: error };
  const misconfigured = (message: string) => new StoreMisconfigured(message, options);
  const unavailable = (message: string) =>
    new StoreUnavailable(message, { outcomeUnknown: committing, ...options });
  switch (raw & 0xff) {
    case code.constraint:
      return constraintError(raw, said, options);
    case code.tooBig:
    case code.mismatch:
      return new Refusal('invalid', `the store cannot keep this value: ${said}`);
    case code.busy:
    case code.locked:
      return unavailable(`the database file ${file} is locked by another process`);
    case code.full:
      return unavailable(`there is no space left for the database file ${file}; free some on its disk`);
    case code.ioError:
      return unavailable(
        `reading or writing the database file ${file} failed (${said}); check its disk, and that it is a local one`,
      );
    case code.noMemory:
      return unavailable(`SQLite has no memory left to work on ${file}`);
    case code.readOnly:
      return misconfigured(
        `the database file ${file} cannot be written (${said}); give this user the right to write it and its directory`,
      );
    case code.cannotOpen:
      return misconfigured(
        `the database file ${file} cannot be opened; check that it is a file in a directory this user may write`,
      );
    case code.notADatabase:
      return misconfigured(`${file} is not an SQLite database; name another file in DATABASE_URL`);
    case code.corrupt:
      return misconfigured(
        `the database file ${file} is damaged (${said}); stop all agents, restore it from a backup, then run: streamhouse db fence --new-era`,
      );
    default:
      if (/^no such (table|column)/.test(said)) {
        return misconfigured(`the store's schema is not complete (${said}); run: streamhouse db migrate`);
      }
      return unavailable(`SQLite does not answer as it should on ${file}: ${said}`);
  }
}

function constraintError(raw: number, said: string, options: { cause: unknown }): Error {
  switch (raw) {
    case constraint.unique:
    case constraint.primaryKey:
      return new ConstraintViolation('unique', options);
    case constraint.foreignKey:
      return new ConstraintViolation('foreign_key', options);
    case constraint.check:
    case constraint.trigger:
      return new ConstraintViolation('check', options);
    case constraint.notNull:
    case constraint.dataType:
      return new Refusal('invalid', `the store cannot keep this value: ${said}`);
    default:
      return new ConstraintViolation('check', options);
  }
}
