// `db doctor`: everything about a store that could hurt agents, each with a verdict and what to do.
import type { Command } from 'commander';
import { urlOption } from '../command.ts';
import type { CliContext } from '../context.ts';
import type { Finding } from '../deps.ts';
import { checkVariable, readSecret, readVariable, type Setting } from '../environment.ts';
import { exitCode } from '../exit-code.ts';
import { CliFailure, ExitSilently } from '../failure.ts';
import { presentOne } from '../present.ts';
import { formatFacts, formatTable, type Column } from '../table.ts';
import { addStoreCommand, parseStoreUrl, type StoreFlags, storeOf } from './db-store.ts';

interface DoctorFlags extends StoreFlags {
  readonly directDatabaseUrl?: string;
}

const columns: readonly Column<Finding>[] = [
  { header: 'VERDICT', value: ({ verdict }) => (verdict === 'fail' ? 'FAIL' : verdict) },
  { header: 'CHECK', value: ({ check }) => check },
  { header: 'SEEN', value: ({ seen }) => seen },
];

export function addDbDoctorCommand(db: Command, context: CliContext): void {
  const { deps } = context;
  addStoreCommand(db, 'doctor', {
    summary: 'Examine a store and the way to it: each check with a verdict and what to do',
    details:
      'Run it where an agent runs, with its environment. Verdicts: ok, note (nothing to do now), warning (works, and will hurt), fail (agents do not work on it, or what they guarantee does not hold). Exit code 10 when anything fails, else 0. Changes nothing.',
    examples: [
      'db doctor --database-url postgres://db/streamhouse',
      `db doctor -o json | jq '.findings[] | select(.verdict == "fail")'`,
    ],
  })
    .addOption(
      urlOption(
        '--direct-database-url',
        'past the pooler (env: DIRECT_DATABASE_URL, default: the store itself)',
        parseStoreUrl,
      ),
    )
    .action(async (flags: DoctorFlags, command: Command) => {
      const { url, options } = storeOf(command, flags, deps);
      const direct = readSecret(deps.env, 'STREAMHOUSE_DIRECT_DATABASE_URL', 'DIRECT_DATABASE_URL');
      const findings = await deps.db.doctor(url, {
        ...options,
        directUrl: flags.directDatabaseUrl ?? checkVariable(direct, parseStoreUrl),
        ttlMs: numberOf(
          readVariable(deps.env, 'STREAMHOUSE_SESSION_TTL_MS', 'SESSION_TTL_MS'),
          10_000,
          1_000,
          300_000,
        ),
        detectsCrashes: switchOf(readVariable(deps.env, 'STREAMHOUSE_CRASH_DETECTION', 'CRASH_DETECTION')),
        poolMax: numberOf(
          readVariable(deps.env, 'STREAMHOUSE_DATABASE_POOL_MAX', 'DATABASE_POOL_MAX'),
          4,
          1,
          1_000,
        ),
      });
      await presentOne(context, command, { findings }, () => report(findings));
      if (findings.some(({ verdict }) => verdict === 'fail')) throw new ExitSilently(exitCode.unhealthy);
    });
}

function report(findings: readonly Finding[]): string {
  const todo = findings.flatMap(({ check, todo }) => (todo === undefined ? [] : [[check, todo] as const]));
  const table = formatTable(columns, findings);
  return todo.length === 0 ? table : `${table}\nWhat to do\n${formatFacts(todo)}`;
}

/** As the agent reads it; on when nothing is said. */
function switchOf(setting: Setting | undefined): boolean {
  const text = setting?.value.toLowerCase() ?? 'on';
  if (['true', '1', 'on', 'yes'].includes(text)) return true;
  if (['false', '0', 'off', 'no'].includes(text)) return false;
  throw new CliFailure(exitCode.configuration, `${setting?.source}="${text}" must be true or false`);
}

/** As the agent reads it from its environment. */
function numberOf(setting: Setting | undefined, otherwise: number, min: number, max: number): number {
  if (setting === undefined) return otherwise;
  const value = Number(setting.value);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new CliFailure(
    exitCode.configuration,
    `${setting.source}="${setting.value}" must be a whole number from ${min} to ${max}`,
  );
}
