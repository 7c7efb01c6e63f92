// How far long work is, on one line of a terminal that is written over; nothing where stderr is not one.
import type { Writable } from 'node:stream';
import type { CliContext } from './context.ts';
import { printable } from './printable.ts';

const clearLine = '\r\u001b[2K';

export class Progress implements AsyncDisposable {
  private readonly context: CliContext;
  private told: string | undefined;

  constructor(context: CliContext) {
    this.context = context;
  }

  /** Whether anybody is there to read it. */
  get isSeen(): boolean {
    return this.context.deps.stderr.isTTY === true;
  }

  async tell(line: string): Promise<void> {
    const stderr: Writable & { readonly columns?: number } = this.context.deps.stderr;
    if (!this.isSeen || line === this.told) return;
    this.told = line;
    const fitting = Array.from(printable(line)).slice(0, (stderr.columns ?? 80) - 1);
    await this.context.printer.message(`${clearLine}${fitting.join('')}`);
  }

  /** Takes the line away: what follows begins at the left. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.told !== undefined) await this.context.printer.message(clearLine);
  }
}
