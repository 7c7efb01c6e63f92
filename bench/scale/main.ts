// `npm run bench:scale`: many agents in a few processes on one PostgreSQL; docs/scale.md says how to read the figures.
import { describe } from './report.ts';
import { run } from './run.ts';
import { type ScaleOptions, scaleOptions, usage } from './options.ts';

const options = optionsOrExit();
const outcome = await run(options, (text) => process.stderr.write(`${text}\n`));
process.stdout.write(`${options.json ? JSON.stringify(outcome, null, 2) : describe(outcome)}\n`);
if (outcome.fallen.length > 0) process.exitCode = 1;

function optionsOrExit(): ScaleOptions {
  try {
    return scaleOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
    return process.exit(2);
  }
}
