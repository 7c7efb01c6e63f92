// `npm run bench:scale`: many agents in a few processes on one PostgreSQL; docs/scale.md says how to read the figures.
import { askedFor } from '../../test/support/command-line.ts';
import { describe } from './report.ts';
import { run } from './run.ts';
import { scaleOptions, usage } from './options.ts';

const options = askedFor({ command: 'npm run bench:scale', usage: () => usage, read: scaleOptions });
const outcome = await run(options, (text) => process.stderr.write(`${text}\n`));
if (outcome.fallen.length > 0 || outcome.unfinished !== undefined) process.exitCode = 1;
process.stdout.write(`${options.json ? JSON.stringify(outcome, null, 2) : describe(outcome)}\n`, () => {
  // What was given up may still wait for something.
  if (outcome.unfinished !== undefined) process.exit();
});
