// What SQLite's result codes mean to an operator: which class of failure, and a sentence that names the file and the next step.
import { expect, test } from 'vitest';
import { Refusal, StoreMisconfigured, StoreUnavailable } from '../../../src/domain/refusal.ts';
import { ConstraintViolation } from '../../../src/store/sql/database.ts';
import { isBusy, translateError } from '../../../src/store/sqlite/errors.ts';

const file = '/var/lib/streamhouse/metadata.db';

const failed = (rawCode: number, message = 'as SQLite says it') =>
  Object.assign(new Error(message), { code: 'SQLITE_SOMETHING', rawCode });

test.each([
  ['SQLITE_FULL', 13, /no space left for the database file .*metadata\.db; free some/],
  ['SQLITE_IOERR', 10, /reading or writing .*metadata\.db failed .*check its disk/],
  ['SQLITE_IOERR_FSYNC', 1_034, /reading or writing .*metadata\.db failed/],
  ['SQLITE_NOMEM', 7, /no memory left/],
  ['SQLITE_BUSY', 5, /metadata\.db is locked by another process/],
  ['an error nobody foresaw', 4, /does not answer as it should on .*metadata\.db: as SQLite says it/],
])('%s is a reason to try again', (_, rawCode, message) => {
  const error = translateError(failed(rawCode), file);
  expect(error).toBeInstanceOf(StoreUnavailable);
  expect(error).toMatchObject({ outcomeUnknown: false });
  expect(error.message).toMatch(message);
});

test('only a commit that fails leaves its outcome open', () => {
  expect(translateError(failed(1_034), file, true)).toMatchObject({ outcomeUnknown: true });
});

test.each([
  ['SQLITE_READONLY', 8, /metadata\.db cannot be written .*give this user the right/],
  ['SQLITE_READONLY_DIRECTORY', 1_544, /metadata\.db cannot be written/],
  ['SQLITE_CANTOPEN', 14, /metadata\.db cannot be opened; check/],
  ['SQLITE_NOTADB', 26, /metadata\.db is not an SQLite database; name another file in DATABASE_URL/],
  ['SQLITE_CORRUPT', 11, /metadata\.db is damaged .*restore it .*streamhouse db fence --new-era/],
])('%s needs a person', (_, rawCode, message) => {
  const error = translateError(failed(rawCode), file);
  expect(error).toBeInstanceOf(StoreMisconfigured);
  expect(error.message).toMatch(message);
});

test('a table that is not there asks for the migration', () => {
  const error = translateError(failed(1, 'no such table: leases'), file);
  expect(error).toBeInstanceOf(StoreMisconfigured);
  expect(error.message).toMatch(/run: streamhouse db migrate/);
});

test('the driver tells of a file that cannot be opened in words alone, and is understood', () => {
  const said = `ConnectionFailed("Unable to open connection to local database ${file}: 14")`;
  expect(translateError(new Error(said), file).message).toMatch(/cannot be opened/);
});

test.each([
  ['unique', 2_067],
  ['unique', 1_555],
  ['foreign_key', 787],
  ['check', 275],
  ['check', 1_811],
] as const)('a broken constraint stays recognisable as %s (%i)', (kind, rawCode) => {
  const error = translateError(failed(rawCode), file);
  expect(error).toBeInstanceOf(ConstraintViolation);
  expect(error).toMatchObject({ kind });
});

test('a value of the wrong kind is refused', () => {
  for (const rawCode of [3_091, 1_299, 18, 20]) {
    expect(translateError(failed(rawCode), file)).toBeInstanceOf(Refusal);
  }
});

test('busy and locked are waited for, nothing else is', () => {
  expect([5, 261, 517, 6, 262].map((rawCode) => isBusy(failed(rawCode)))).not.toContain(false);
  expect([13, 10, 19, 1].map((rawCode) => isBusy(failed(rawCode)))).not.toContain(true);
  expect(isBusy(new Error('database is locked'))).toBe(false);
});

test('what is no error of SQLite is passed on as it is', () => {
  for (const error of [new Refusal('fenced', 'x'), new TypeError('y')]) {
    expect(translateError(error, file)).toBe(error);
  }
});
