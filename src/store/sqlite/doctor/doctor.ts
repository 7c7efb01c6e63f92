// `streamhouse db doctor` on SQLite: the file, its directory, its disk and what is in it. The file is opened for reading alone.
import { closeSync, existsSync, openSync, rmSync, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Libsql from 'libsql';
import { type Finding, found, ok } from '../../finding.ts';
import { levelFinding } from '../../sql/level-finding.ts';
import { type SchemaState, schemaStatus, triggersOf } from '../../sql/migrations.ts';
import { isCorrupt, translateError } from '../errors.ts';
import { knownMigrations } from '../migrate.ts';
import { readRow } from '../values.ts';
import { fileSystemProblem } from './file-system.ts';

export interface SqliteDoctorOptions {
  /** Absolute path. */
  readonly file: string;
  /** Bound of waiting for locks, milliseconds. */
  readonly attemptMs: number;
  /** Less free space than this is worth a warning, bytes. */
  readonly freeMin: number;
  /** A write-ahead log beyond this is, bytes. */
  readonly walMax: number;
}

const mebibyte = 2 ** 20;
const restore = 'stop all agents and restore the file from a backup';

/** Fails with StoreMisconfigured when there is no file to look at, or it is no database. */
export async function examineSqlite(options: SqliteDoctorOptions): Promise<readonly Finding[]> {
  const { file } = options;
  if (!existsSync(file)) {
    return [
      found(
        'file',
        'note',
        `${file} is not there yet`,
        'the first agent makes it, or: streamhouse db migrate',
      ),
    ];
  }
  // Before SQLite opens the file: closing it again would drop SQLite's own locks.
  const outside = [fileRights(file), directoryRights(dirname(file)), othersRights(file)];
  const around = [diskSpace(options), fileSystemKind(file), logSize(options)];
  const findings = [...outside, ...around];
  // SQLite could not even read it: it needs the log's files beside it.
  if (outside.some(({ verdict }) => verdict === 'fail')) return findings;
  return [...findings, ...reading(file, options.attemptMs, contents)];
}

function fileRights(file: string): Finding {
  const problem = problemOf(() => closeSync(openSync(file, 'r+')));
  if (problem === undefined) return ok('file', `${file}, readable and writable`);
  return found('file', 'fail', problem, 'give the user of the agents the right to read and write it');
}

/** By doing it: rights alone do not tell of a file system that is mounted read-only. */
function directoryRights(directory: string): Finding {
  const probe = join(directory, `.streamhouse-doctor-${process.pid}`);
  const problem = problemOf(() => {
    closeSync(openSync(probe, 'wx', 0o600));
    rmSync(probe);
  });
  if (problem === undefined) return ok('directory', `${directory}, writable`);
  return found(
    'directory',
    'fail',
    problem,
    'SQLite keeps its log beside the file: make the directory writable',
  );
}

function othersRights(file: string): Finding {
  const mode = statSync(file).mode & 0o777;
  if ((mode & 0o077) === 0) return ok('privacy', 'for its owner alone');
  return found(
    'privacy',
    'note',
    `others may use the file too (mode ${mode.toString(8)})`,
    `chmod 600 ${file}`,
  );
}

function diskSpace({ file, freeMin }: SqliteDoctorOptions): Finding {
  const { bavail, bsize } = statfsSync(dirname(file));
  const free = bavail * bsize;
  const seen = `${Math.floor(free / mebibyte)} MiB free, the file has ${Math.ceil(statSync(file).size / mebibyte)} MiB`;
  if (free >= freeMin) return ok('disk space', seen);
  return found(
    'disk space',
    free < freeMin / 10 ? 'fail' : 'warning',
    seen,
    'free some: a full disk stops every write',
  );
}

function fileSystemKind(file: string): Finding {
  const problem = fileSystemProblem(statfsSync(file).type);
  if (problem === undefined) return ok('file system', 'a local one, as far as it can be told');
  return found('file system', 'fail', problem, 'move the file to a local disk, or use PostgreSQL');
}

function logSize({ file, walMax }: SqliteDoctorOptions): Finding {
  const size = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  const seen = `${(size / mebibyte).toFixed(1)} MiB`;
  if (size <= walMax) return ok('write-ahead log', seen);
  return found(
    'write-ahead log',
    'warning',
    `${seen}: somebody reads without end, so that it cannot be emptied`,
    'end what else has the file open (a shell, a backup), or restart the agents one by one',
  );
}

/** The first column of each row. */
type Ask = (text: string) => readonly unknown[];

function reading(file: string, waitMs: number, work: (ask: Ask) => Finding[]): Finding[] {
  const database = new Libsql(file, { readonly: true, timeout: waitMs });
  try {
    return work((text) =>
      database
        .prepare(text)
        .all()
        .map(readRow)
        .map((row) => Object.values(row)[0]),
    );
  } catch (error) {
    // Too damaged even to be looked through.
    if (isCorrupt(error)) return [found('integrity', 'fail', String(error), restore)];
    throw translateError(error, file);
  } finally {
    database.close();
  }
}

function contents(ask: Ask): Finding[] {
  const [mode] = ask('pragma journal_mode');
  const damage = ask('pragma quick_check');
  const isWhole = damage.length === 1 && damage[0] === 'ok';
  return [
    mode === 'wal'
      ? ok('journal mode', 'wal; agents write with synchronous = full')
      : found(
          'journal mode',
          'warning',
          `${String(mode)}, not wal: readers and writers wait for each other`,
          'the next agent that starts sets it; nothing else may have the file open then',
        ),
    isWhole
      ? ok('integrity', 'quick check passed')
      : found('integrity', 'fail', damage.slice(0, 3).map(String).join('; '), restore),
    ok(
      'crash detection',
      'off by itself: nobody sees who has the file open; a crash is noticed after the TTL',
    ),
    // In a damaged file nothing more can be looked up.
    ...(isWhole ? [references(ask), ...schema(ask)] : []),
  ];
}

function references(ask: Ask): Finding {
  const orphans = ask('pragma foreign_key_check').length;
  if (orphans === 0) return ok('references', 'whole');
  return found('references', 'fail', `${orphans} rows refer to what is not there`, restore);
}

/** Read here, not by the store's own code, whose connections change the file's journal mode. */
function schema(ask: Ask): Finding[] {
  const present = ask(`select name from sqlite_schema where type in ('table', 'trigger')`);
  if (!present.includes('schema_migrations')) {
    return [found('schema', 'note', 'not there yet', 'the first agent makes it, or: streamhouse db migrate')];
  }
  const state: SchemaState = {
    applied: ask('select name from schema_migrations order by name').map(String),
    minCompatible: Number(ask('select min_compatible from store_info')[0]),
  };
  const { applied, pending, minCompatible } = schemaStatus(state, knownMigrations);
  const expected = triggersOf(knownMigrations.filter(({ name }) => applied.includes(name)));
  const missing = expected.filter((name) => !present.includes(name));
  return [
    levelFinding(applied.length, pending, minCompatible),
    missing.length === 0
      ? ok('triggers', `${expected.length}, all there`)
      : found(
          'triggers',
          'fail',
          `missing: ${missing.join(', ')}. Nothing but our own code keeps epochs from going back`,
          'restore what the migrations made',
        ),
  ];
}

function problemOf(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
