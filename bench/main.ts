// `npm run bench`: measures and prints, and says which goals were reached. Slow is no failure: it exits with 1 only when something could not
// be run, and with 2 when it was asked for something that there is not.
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import type { PostgresServer } from '../test/support/postgres-server.ts';
import { type Arguments, readArguments, roundsDefault, UsageError } from './arguments.ts';
import { type Bench, benches, type Stage } from './bench.ts';
import { goals, judge, type Verdict } from './goals.ts';
import { Findings } from './harness/findings.ts';
import { aligned, amountText, sectionText } from './harness/table.ts';
import { type Machine, machineNow } from './machine.ts';
import { startProductionPostgres } from './stage/postgres.ts';

process.exitCode = await main(process.argv.slice(2));

async function main(given: readonly string[]): Promise<number> {
  let args: Arguments;
  try {
    args = readArguments(
      given,
      benches.map(({ name }) => name),
    );
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  if (args.help) {
    process.stdout.write(help());
    return 0;
  }
  // Where the report for programs goes to standard output, people read the other one.
  const say = (text: string): void => {
    (args.json === '-' ? process.stderr : process.stdout).write(`${text}\n`);
  };
  const machine = machineNow();
  say(machineText(machine));
  const chosen = benches.filter(({ name, isLong }) =>
    args.names.length > 0 ? args.names.includes(name) : isLong !== true,
  );
  const findings = new Findings((section) => say(sectionText(section)));
  await runAll(chosen, args.rounds, findings);
  const ran = chosen.map(({ name }) => name);
  const verdicts = goals.map((goal) => judge(goal, findings, ran));
  say(verdictsText(verdicts));
  for (const { what, why } of findings.lacking) say(`${what}: ${why}`);
  if (args.json !== undefined) {
    const { sections, lacking } = findings;
    const report = { machine, rounds: args.rounds, benches: ran, sections, lacking, goals: verdicts };
    const text = `${JSON.stringify(report, null, 2)}\n`;
    if (args.json === '-') process.stdout.write(text);
    else writeFileSync(args.json, text);
  }
  return findings.lacking.some(({ what }) => ran.includes(what)) ? 1 : 0;
}

/** One that cannot be run does not keep the others from it. */
async function runAll(chosen: readonly Bench[], rounds: number, findings: Findings): Promise<void> {
  let server: Promise<PostgresServer> | undefined;
  const stage: Stage = {
    rounds,
    findings,
    postgresUrl: async () => {
      server ??= startProductionPostgres();
      return (await server).url;
    },
  };
  try {
    for (const { name, load } of chosen) {
      try {
        const measure = await load();
        await measure(stage);
      } catch (error) {
        findings.lacks(name, `could not be run: ${error instanceof Error ? error.message : String(error)}`);
        if (error instanceof Error) process.stderr.write(`${name}: ${error.stack}\n`);
      }
    }
  } finally {
    await (await server?.catch(() => undefined))?.[Symbol.asyncDispose]();
  }
}

function help(): string {
  const names = benches.map(({ name, what, isLong }) => [
    `  ${name}`,
    isLong === true ? `${what}; only when it is named` : what,
  ]);
  return [
    'npm run bench -- [NAME…] [--rounds N] [--json FILE]',
    '',
    ...aligned(names, [0]),
    '',
    `  --rounds N   how often each is measured, after a round that warms up; ${roundsDefault} if not said`,
    '  --json FILE  the report for programs, too; `-` or nothing: on standard output (then with `npm run --silent bench`)',
    '',
  ].join('\n');
}

function machineText({ cpus, cpu, node, loadAverage, memoryGb, fsyncMs }: Machine): string {
  return (
    `${cpus} × ${cpu}, ${memoryGb.toFixed(0)} GB, Node ${node}; ${fsyncMs.toFixed(2)} ms for an fsync in the temporary directory; ` +
    `load ${loadAverage.toFixed(1)} before this began`
  );
}

function verdictsText(verdicts: readonly Verdict[]): string {
  const lines = verdicts.map(({ what, bound, unit, measured, reached, why }) => [
    what,
    'atLeast' in bound ? `≥ ${amountText(bound.atLeast, unit)}` : `≤ ${amountText(bound.atMost, unit)}`,
    measured === null ? '' : amountText(measured, unit),
    reached === null ? (why ?? '') : reached ? 'reached' : 'MISSED',
  ]);
  const table = aligned([['goal', 'bound', 'measured', ''], ...lines], [0]);
  return ['', 'Goals, the worst figure of each', ...table.map((line) => `  ${line}`), ''].join('\n');
}
