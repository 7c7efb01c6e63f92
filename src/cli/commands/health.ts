// `health`: every check of the agent's readiness, and an exit code for scripts and probes.
import type { Command } from 'commander';
import { healthForm, type HealthAnswer } from '../answers.ts';
import { addReadingCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { presentLooks } from '../looks.ts';
import { formatTable, type Column } from '../table.ts';

type Check = HealthAnswer['checks'][number];

const columns: readonly Column<Check>[] = [
  { header: 'CHECK', value: ({ name }) => name },
  { header: 'STATE', value: ({ ok }) => (ok ? 'ok' : 'FAILED') },
  { header: 'DETAIL', value: ({ detail }) => detail },
];

export function addHealthCommand(program: Command, context: CliContext): void {
  addReadingCommand(program, 'health', {
    summary: 'Show the checks of the agent; exit code 10 when it is not ready',
    examples: ['health', 'health --url http://broker-2:7070 --timeout 2s', 'health -o json'],
  }).action(async (_options: unknown, command: Command) => {
    const request = { method: 'GET', path: ['health'] } as const;
    let failure: CliFailure | undefined;
    await presentLooks(context, command, async (api) => {
      const { value, body, isOk } = await api.report(request, healthForm);
      const { checks } = value;
      failure = isOk && checks.every(({ ok }) => ok) ? undefined : notReady(checks);
      return {
        body,
        table: () => formatTable(columns, checks),
        names: () => checks.map(({ name }) => name),
      };
    });
    if (failure !== undefined) throw failure;
  });
}

function notReady(checks: readonly Check[]): CliFailure {
  const failed = checks.filter(({ ok }) => !ok).map(({ name }) => name);
  const which = failed.length === 0 ? '' : `: ${failed.join(', ')}`;
  return new CliFailure(exitCode.unhealthy, `the agent is not ready${which}`);
}
