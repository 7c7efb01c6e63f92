// `npm run chaos -- --seconds 300 --seed 7`: faults on real processes in their long form, or another of its runs.
import { someSeed, startLongRun } from '../load/long-run.ts';
import { askedFor, parsed, wholeNumber } from '../support/command-line.ts';

const usage = `npm run chaos -- [--seconds N] [--seed N]
  faults of every kind on real processes, with a history that is checked (docs/proof.md); 60 seconds if not said
or one of these instead:
  --outage N      the store away for N seconds under 20 agents
  --promotions N  failovers of the database`;

const { which, values } = askedFor({ command: 'npm run chaos', usage: () => usage, read });
startLongRun(which, { lanes: '2', ...values });

function read(args: string[]) {
  const { values } = parsed({
    args,
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: someSeed() },
      outage: { type: 'string' },
      promotions: { type: 'string' },
    },
  });
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) wholeNumber(name, value);
  }
  if (values.promotions !== undefined) return { which: 'chaos/promotions', values };
  return { which: values.outage === undefined ? 'chaos/storm' : 'chaos/outage', values };
}
