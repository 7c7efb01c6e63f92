// What a reading command shows: one look at the answer, or with `--watch` look after look until it is interrupted. On a terminal
// each look is painted over the one before; elsewhere only what has changed is printed, as a table or as a line of JSON.
import type { Command } from 'commander';
import { z } from 'zod';
import { systemClock } from '../platform/clock.ts';
import { type Api, connect } from './api.ts';
import { watchIntervalMsDefault } from './command.ts';
import { formatOf } from './connection.ts';
import type { CliContext } from './context.ts';
import { exitCode } from './exit-code.ts';
import { CliFailure } from './failure.ts';
import { Overpainting } from './overpainting.ts';
import { formatted, type Presentation, present } from './present.ts';

export type Look = (api: Api) => Promise<Presentation>;

const watchingForm = z.object({ watch: z.boolean().optional(), interval: z.number().optional() });

/** Throws as the first look does; later an agent that does not answer is waited for. */
export async function presentLooks(context: CliContext, command: Command, look: Look): Promise<void> {
  const api = connect(context, command);
  const { watch, interval } = watchingForm.parse(command.opts());
  if (watch !== true) return present(context, command, await look(api));
  const watching = new Watching(context, command);
  await watching.show(await look(api));
  const { signal } = context.deps;
  for (;;) {
    await systemClock.sleep(interval ?? watchIntervalMsDefault, signal);
    if (signal.aborted) return;
    try {
      await watching.show(await look(api));
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof CliFailure && mayPass.has(error.exitCode))) throw error;
      await watching.tell(error.message);
    }
  }
}

const mayPass: ReadonlySet<number> = new Set([exitCode.unreachable, exitCode.timeout]);

class Watching {
  private readonly context: CliContext;
  private readonly format: ReturnType<typeof formatOf>;
  private readonly painting: Overpainting | undefined;
  private shown: string | undefined;
  private outage: string | undefined;

  constructor(context: CliContext, command: Command) {
    this.context = context;
    this.format = formatOf(command);
    const isTable = this.format === 'table' || this.format === 'wide';
    this.painting = context.deps.isTty && isTable ? new Overpainting(context.deps.stdout) : undefined;
  }

  async show(presentation: Presentation): Promise<void> {
    const { printer } = this.context;
    if (this.outage !== undefined && this.painting === undefined) await printer.message('answers again\n');
    this.outage = undefined;
    if (this.painting !== undefined) {
      const hints = (presentation.hints ?? []).map((hint) => `${hint}\n`).join('');
      return printer.data(this.painting.over(formatted(this.format, presentation) + hints));
    }
    const lasting = JSON.stringify(presentation.body, withoutCounters);
    if (lasting === this.shown) return;
    const isFirst = this.shown === undefined;
    this.shown = lasting;
    await printer.data(this.separated(presentation, isFirst));
  }

  async tell(outage: string): Promise<void> {
    const { printer } = this.context;
    if (this.painting !== undefined) return printer.data(this.painting.under(`${outage}; looking again\n`));
    if (outage !== this.outage) await printer.message(`${outage}; looking again\n`);
    this.outage = outage;
  }

  private separated(presentation: Presentation, isFirst: boolean): string {
    if (this.format === 'json') return `${JSON.stringify(presentation.body)}\n`;
    const text = formatted(this.format, presentation);
    if (this.format === 'yaml') return `---\n${text}`;
    return isFirst || this.format === 'name' ? text : `\n${text}`;
  }
}

/** What is another number at every look although nothing has happened. */
const counters: ReadonlySet<string> = new Set([
  'expiresInMs',
  'trustedForMs',
  'lastHeartbeatAt',
  'sinceMs',
  'settlesInMs',
]);

function withoutCounters(key: string, value: unknown): unknown {
  return counters.has(key) ? undefined : value;
}
