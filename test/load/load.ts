// `npm run load -- --seconds 60 --seed 7`: the load run in its long form, or another of its runs.
import { askedFor, parsed, wholeNumber } from '../support/command-line.ts';
import { someSeed, startLongRun } from './long-run.ts';

const usage = `npm run load -- [--seconds N] [--seed N] [--lanes N]
  producers through faults of agents and brokers, checked; 60 seconds and 2 lanes if not said
or one of these instead:
  --kills N         kills of agents
  --broker-kills N  kills of brokers
  --placement       what changes of a cluster of ten agents move
  --restore         the commands of docs/backup-and-restore.md; needs pg_basebackup, pg_dump, psql and sqlite3`;

const options = {
  seconds: { type: 'string', default: '60' },
  seed: { type: 'string', default: someSeed() },
  lanes: { type: 'string', default: '2' },
  kills: { type: 'string' },
  'broker-kills': { type: 'string' },
  placement: { type: 'boolean' },
  restore: { type: 'boolean' },
} as const;

const { which, values } = askedFor({ command: 'npm run load', usage: () => usage, read });
startLongRun(which, values);

function read(args: string[]) {
  const { values } = parsed({ args, options });
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'string') wholeNumber(name, value);
  }
  const kills = values.kills ?? values['broker-kills'];
  return { which: runOf(values), values: { ...values, ...(kills !== undefined && { kills }) } };
}

function runOf(values: ReturnType<typeof parsed<{ options: typeof options }>>['values']): string {
  if (values.restore === true) return 'load/restore';
  if (values.placement === true) return 'load/placement';
  if (values.kills !== undefined) return 'load/kills';
  return values['broker-kills'] === undefined ? 'load/faults' : 'load/broker-kills';
}
