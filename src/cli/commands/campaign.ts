// `elections campaign`: a candidate that runs a command while it leads, or tells of its terms.
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { type Clock, systemClock } from '../../platform/clock.ts';
import { connect } from '../api.ts';
import { parseHold, parseName } from '../arguments.ts';
import { addCommand, connectionOptions } from '../command.ts';
import { RoleCandidate } from '../campaign/candidate.ts';
import { type CommandEnd, runCommand } from '../campaign/command-run.ts';
import { Guard } from '../campaign/guard.ts';
import type { Term } from '../campaign/term.ts';
import type { CliContext } from '../context.ts';
import { parseTimeout } from '../duration.ts';
import { exitCode } from '../exit-code.ts';
import { CliFailure, ExitSilently } from '../failure.ts';
import { printable } from '../printable.ts';

const stopMsDefault = 5_000;

interface CampaignOptions {
  readonly candidate?: string;
  readonly holdMs?: number;
  readonly stream?: boolean;
  readonly killAfter?: number;
  readonly once?: boolean;
}

export function addCampaignCommand(elections: Command, context: CliContext): void {
  const campaign = addCommand(elections, 'campaign', {
    summary: 'Campaign for a role, and run a command while leading',
    details:
      'COMMAND runs in a process group of its own, without a terminal, with STREAMHOUSE_ELECTION, STREAMHOUSE_EPOCH and ' +
      'STREAMHOUSE_CANDIDATE in its environment. When the role is lost, or may be soon (the agent is gone, silent or does ' +
      'not trust its session), it gets SIGTERM, and SIGKILL after --kill-after, but never later than the trust ends; then the ' +
      'campaign begins anew. When COMMAND ends by itself, the role is resigned and its exit code is ours. Without COMMAND, ' +
      'terms are told as JSON, a line each.',
    examples: [
      'elections campaign compactor -- ./compact.sh --all',
      'elections campaign compactor --once -- ./compact.sh',
      'elections campaign compactor --hold-ms 10000',
    ],
  })
    .argument('<name>', "the role's name", parseName)
    .argument('[command...]', 'what to run, behind --')
    .option('--candidate <name>', 'who campaigns; nobody else may use the name (default: made)', parseName)
    .option('--stream', 'live on an event stream (default)')
    .option('--hold-ms <n>', 'live on renewals instead, each of which holds for so long', parseHold)
    .option('--kill-after <duration>', 'time to stop between SIGTERM and SIGKILL (default: 5s)', parseTimeout)
    .option('--once', 'do not campaign again when the role is lost; exit code 4 then');
  for (const option of connectionOptions()) campaign.addOption(option);
  campaign.action(async (name: string, words: string[], options: CampaignOptions, command: Command) => {
    if (options.stream === true && options.holdMs !== undefined) {
      command.error('error: --stream and --hold-ms exclude each other: a candidacy lives on one of them');
    }
    await runCampaign(context, command, name, words, options);
  });
}

async function runCampaign(
  context: CliContext,
  command: Command,
  role: string,
  words: readonly string[],
  options: CampaignOptions,
): Promise<void> {
  const { deps, printer } = context;
  const clock = systemClock;
  const candidate = options.candidate ?? `cli-${process.pid}-${randomBytes(4).toString('hex')}`;
  const say = (line: string): void => void printer.message(`${printable(line)}\n`);
  // What must still be asked after an interrupt is not cut off by it.
  const api = connect(context, command).within(new AbortController().signal);
  const place = new RoleCandidate(
    { api, clock },
    {
      role,
      candidate,
      holdMs: options.holdMs,
      stopMs: options.killAfter ?? stopMsDefault,
      tell: say,
    },
  );
  const act =
    words.length > 0 ? runner(context, clock, role, candidate, words) : teller(context, role, candidate);
  try {
    while (!deps.signal.aborted) {
      const end = await place.lead(
        (term) => interruptible(term, deps.signal, () => act.lead(term, say)),
        deps.signal,
      );
      if (end === undefined || deps.signal.aborted) break;
      if (end.is === 'exited') throw new ExitSilently(end.code);
      if (options.once === true) throw new CliFailure(exitCode.conflict, `${role}: ${end.reason}`);
    }
  } finally {
    await act.close();
  }
  // To watch is done when the user has seen enough; a command was cut off.
  if (words.length > 0) throw new ExitSilently(exitCode.interrupted);
}

interface Acting {
  lead(term: Term, say: (line: string) => void): Promise<CommandEnd>;
  close(): Promise<void>;
}

function runner(
  { deps }: CliContext,
  clock: Clock,
  role: string,
  candidate: string,
  [command = '', ...args]: readonly string[],
): Acting {
  const guard = new Guard(clock);
  return {
    async lead(term, say) {
      say(`${role}: elected, epoch ${term.epoch}`);
      const env = {
        ...deps.env,
        STREAMHOUSE_ELECTION: role,
        STREAMHOUSE_EPOCH: String(term.epoch),
        STREAMHOUSE_CANDIDATE: candidate,
      };
      const end = await runCommand(guard, { command, args, env }, term);
      if (end.is === 'stopped') say(`${role}: stopped under epoch ${term.epoch}: ${end.reason}`);
      return end;
    },
    close: () => guard.close(),
  };
}

function teller({ printer }: CliContext, name: string, candidate: string): Acting {
  const tell = (event: string, more: object): Promise<void> =>
    printer.data(`${JSON.stringify({ event, name, candidate, ...more })}\n`);
  return {
    async lead(term) {
      const { epoch } = term;
      await tell('won', { epoch });
      await new Promise((resolve) => {
        term.ending.addEventListener('abort', resolve, { once: true });
        if (term.ending.aborted) resolve(undefined);
      });
      await tell('lost', { epoch, reason: term.reason });
      return { is: 'stopped', reason: term.reason };
    },
    close: async () => undefined,
  };
}

/** The user's interrupt ends the term. */
async function interruptible<T>(term: Term, signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  const onAbort = (): void => term.stop('interrupted');
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await act();
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
