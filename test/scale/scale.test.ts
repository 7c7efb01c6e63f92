// The scale run, small: its counts, not its times. What it proves is that whole agents in several processes start, rest, are killed and
// restarted, and that at rest nothing is asked or written that grows with partitions.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { z } from 'zod';

const counts = z.record(z.string(), z.number());
const outcome = z.object({
  fallen: z.array(z.string()),
  unfinished: z.string().optional(),
  phases: z.array(
    z.object({
      name: z.string(),
      seconds: z.number(),
      active: z.number(),
      statements: counts,
      rowsWritten: counts,
    }),
  ),
});

const agents = 10;
// The server's counters of what went before may come 10 s late: the ordinary time to settle is longer.
const sizes = { agents, partitions: 1_000, topics: 2, zones: 5, processes: 5, seconds: 4 };

/** What reads or writes partitions: nothing of it is asked at rest. */
const ofPartitions = [
  'acquire_leases',
  'release_leases',
  'select_lease_states',
  'select_held_leases',
  'select_assigned_partitions',
  'select_planner_partitions',
  'change_assignments',
  'insert_assignments',
];

const failure = z.object({ code: z.number(), stdout: z.string() });

async function scaleRun(args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    'npm',
    ['run', '--silent', 'bench:scale', '--', '--json', ...args],
    { maxBuffer: 16e6, timeout: 240_000 },
  );
  return stdout;
}

test('ten agents with 1,000 partitions start, rest, lose one and a zone, and are restarted', async () => {
  const args = Object.entries(sizes).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const { phases, fallen } = outcome.parse(JSON.parse(await scaleRun(args)));
  expect(fallen).toEqual([]);
  // Each but the steady state ends when every partition is led.
  expect(phases.map(({ name, active }) => [name, active])).toEqual([
    ['agents start', agents],
    ['topics are created', agents],
    ['settling', agents],
    ['steady state', agents],
    ['one agent is killed', agents - 1],
    ['a zone is killed', agents - 3],
    ['they come back', agents],
    ['rolling restart', agents],
  ]);
  const steady = phases.find(({ name }) => name === 'steady state');
  if (steady === undefined) throw new Error('no steady state');
  expect(Object.keys(steady.rowsWritten)).toEqual(['sessions']);
  expect(Object.keys(steady.statements).filter((name) => ofPartitions.includes(name))).toEqual([]);
  // A heartbeat of each in 2.4 s, three that look four times a second, three at the pace of heartbeats, the others hardly ever.
  const looks = (steady.statements['observe_coordinator'] ?? 0) / steady.seconds;
  expect(looks).toBeLessThan(2 * 4 + agents * 0.4);
  expect(steady.rowsWritten['sessions']).toBeLessThan(agents * steady.seconds);
}, 300_000);

test('a part that takes longer than the patience ends the run, which tells what it has', async () => {
  const args = ['--agents', '2', '--partitions', '10', '--topics', '1', '--settle', '100', '--patience', '4'];
  const ended = await scaleRun(args).then(
    () => ({ code: 0, stdout: '' }),
    (error: unknown) => failure.parse(error),
  );
  expect(ended.code).toBe(1);
  const { phases, unfinished } = outcome.parse(JSON.parse(ended.stdout));
  expect(unfinished).toMatch(/: not done within 4 s$/);
  expect(phases.map(({ name }) => name)).not.toContain('settling');
}, 300_000);
