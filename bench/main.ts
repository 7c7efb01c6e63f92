// `npm run bench`: measures and prints, and says which goals were reached. Slow is no failure: it exits with 1 only when something could not
// be run, and with 2 when it was asked for something that there is not.
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { askedFor } from '../test/support/command-line.ts';
import type { PostgresServer } from '../test/support/postgres-server.ts';
import { readArguments, roundsDefault } from './arguments.ts';
import { type Bench, benches, type Stage } from './bench.ts';
import { goals, judge } from './goals.ts';
import { Findings } from './harness/findings.ts';
import { aligned, sectionText } from './harness/table.ts';
import { verdictsText } from './harness/verdicts.ts';
import { type Machine, machineNow } from './machine.ts';
import { startProductionPostgres } from './stage/postgres.ts';

/** For all that `goals.ts` asks for. */
const namesGoals = 'goals';

process.exitCode = await main();

async function main(): Promise<number> {
  const known = [...benches.map(({ name }) => name), namesGoals];
  const args = askedFor({
    command: 'npm run bench',
    usage: help,
    read: (given) => readArguments(given, known),
  });
  // Where the report for programs goes to standard output, people read the other one.
  const say = (text: string): void => {
    (args.json === '-' ? process.stderr : process.stdout).write(`${text}\n`);
  };
  const machine = machineNow();
  say(machineText(machine));
  const chosen = benches.filter((bench) => isChosen(bench, args.names));
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

function isChosen({ name, isLong }: Bench, names: readonly string[]): boolean {
  if (names.length === 0) return isLong !== true;
  return names.includes(name) || (names.includes(namesGoals) && goals.some(({ by }) => by === name));
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
    ...aligned([...names, [`  ${namesGoals}`, 'all that the goals ask for, whatever it takes']], [0]),
    '',
    `  --rounds N   how often each is measured, after a round that warms up; ${roundsDefault} if not said`,
    '  --json FILE  the report for programs, too; `-` or nothing: on standard output (then with `npm run --silent bench`)',
  ].join('\n');
}

function machineText({ cpus, cpu, node, loadAverage, memoryGb, fsyncMs }: Machine): string {
  return (
    `${cpus} × ${cpu}, ${memoryGb.toFixed(0)} GB, Node ${node}; ${fsyncMs.toFixed(2)} ms for an fsync in the temporary directory; ` +
    `load ${loadAverage.toFixed(1)} before this began`
  );
}
