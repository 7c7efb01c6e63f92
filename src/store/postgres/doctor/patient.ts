// The server that is examined, as the checks see it: a connection made like an agent's, and another beside it.
import pg from 'pg';
import type { Clock } from '../../../platform/clock.ts';
import { type BoundedClient, type ConnectionOptions, queryBounded } from '../client.ts';
import type { Row } from '../../sql/statement.ts';

export interface DoctorOptions extends ConnectionOptions {
  /** Where agents LISTEN and coordinate. */
  readonly directConnectionString: string;
  readonly schema: string;
  /** The agents' session TTL, milliseconds. */
  readonly ttlMs: number;
  /** What one of their statements may take, milliseconds. */
  readonly statementMs: number;
  /** The agents' CRASH_DETECTION. */
  readonly detectsCrashes: boolean;
  /** Connections of one agent's pool. */
  readonly poolMax: number;
  /** From this age on, milliseconds, a transaction, snapshot or prepared transaction holds up the cleaning of the beating rows. */
  readonly oldMs: number;
  readonly clock: Clock;
}

export interface Patient {
  /** Through the ordinary URL, and through the direct one, which may be the same. */
  readonly ordinary: BoundedClient;
  readonly direct: BoundedClient;
  readonly options: DoctorOptions;
}

export async function ask(
  { direct, options }: Patient,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  return queryBounded(direct, text, values, options.attemptMs);
}

/** The one row of a question that has exactly one. */
export async function askOne(patient: Patient, text: string, values: readonly unknown[] = []): Promise<Row> {
  const [row] = await ask(patient, text, values);
  if (row === undefined) throw new Error('a question of the doctor was not answered');
  return row;
}

export const quoted = (name: string): string => pg.escapeIdentifier(name);
