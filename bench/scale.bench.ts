// Two parts of the scale run (docs/scale.md), started as people start it: what 100 agents with 10,000 partitions ask and write at rest, and
// how long the 10,000 partitions of one of three agents are without a leader, once its end was noticed.
import { execFile } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { atExit } from '../test/support/at-exit.ts';
import type { Stage } from './bench.ts';
import { rowOf } from './harness/findings.ts';

const project = fileURLToPath(new URL('..', import.meta.url));
const program = 'build/scale/bench/scale/main.js';
const outputBytesMax = 16e6;

const counts = z.record(z.string(), z.number());
const outcome = z.object({
  options: z.object({ agents: z.number(), partitions: z.number() }),
  fallen: z.array(z.string()),
  phases: z.array(
    z.object({
      name: z.string(),
      seconds: z.number(),
      active: z.number(),
      statements: counts,
      statementsPerSecond: z.number(),
      rowsWritten: counts,
      took: counts,
    }),
  ),
});
type ScaleOutcome = z.infer<typeof outcome>;
type Phase = ScaleOutcome['phases'][number];

export async function measureScale({ rounds, findings }: Stage): Promise<void> {
  await promisify(execFile)('npm', ['run', '--silent', 'prebench:scale'], { cwd: project });
  const { options, ...steady } = await scaleRun('steady');
  const rest = phaseOf(steady, 'steady state');
  findings.add({
    title: `PostgreSQL: ${options.agents} agents with ${options.partitions.toLocaleString('en')} partitions, ${rest.seconds.toFixed(0)} s at rest`,
    values: restValues(rest, options),
    notes: mostAsked(rest),
  });
  const ms: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { took } = phaseOf(await scaleRun('takeover'), 'one agent is killed');
    ms.push(took['from the first end of a session until all were led'] ?? Number.NaN);
  }
  findings.add({
    title: 'PostgreSQL: three agents with 10,000 partitions each, kill -9 of one',
    rows: [rowOf('10,000 partitions of one of three: from the reap until all are led', ms)],
  });
}

/** A heartbeat writes the row of its session; what else is written would be of partitions. */
export function restValues(
  { seconds, statementsPerSecond, rowsWritten }: Phase,
  { agents, partitions }: ScaleOutcome['options'],
) {
  const { sessions: ofHeartbeats = 0, ...others } = rowsWritten;
  const written = Object.values(others).reduce((sum, rows) => sum + rows, 0);
  return [
    { what: `statements of ${agents} agents at rest`, amount: statementsPerSecond, unit: 'per second' },
    { what: 'rows written at rest by heartbeats', amount: ofHeartbeats / seconds, unit: 'per second' },
    { what: 'rows written at rest per partition', amount: written / partitions, unit: 'rows' },
  ];
}

function mostAsked({ statements, seconds }: Phase): string[] {
  const most = Object.entries(statements).toSorted(([, a], [, b]) => b - a);
  return [
    `each second: ${most.map(([name, count]) => `${name} ${(count / seconds).toFixed(2)}`).join(', ')}`,
  ];
}

function phaseOf({ phases, fallen }: Pick<ScaleOutcome, 'phases' | 'fallen'>, name: string): Phase {
  if (fallen.length > 0) throw new Error(`epochs fell: ${fallen.join(', ')}`);
  const phase = phases.find((each) => each.name === name);
  if (phase === undefined) throw new Error(`the scale run has no part "${name}"`);
  return phase;
}

async function scaleRun(scenario: 'steady' | 'takeover'): Promise<ScaleOutcome> {
  const running = promisify(execFile)(process.execPath, [program, '--scenario', scenario, '--json'], {
    cwd: project,
    maxBuffer: outputBytesMax,
  });
  const forget = atExit(() => running.child.kill());
  try {
    const { stdout } = await running;
    return outcome.parse(JSON.parse(stdout));
  } finally {
    forget();
  }
}
