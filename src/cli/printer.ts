// The two ways out: data to stdout, messages to stderr. Every write is waited for, so that nothing is cut off when the
// program ends and a reader that has gone (`| head`) is noticed.
import type { Writable } from 'node:stream';
import { exitCode } from './exit-code.ts';
import { CliFailure, ExitSilently } from './failure.ts';
import type { CliDeps } from './deps.ts';
import { printable } from './printable.ts';

export class Printer {
  readonly #stdout: Writable;
  readonly #stderr: Writable;
  readonly #isTty: boolean;
  /** Writes that commander's synchronous interface has begun. */
  #pending: Promise<void> = Promise.resolve();

  constructor({ stdout, stderr, isTty }: Pick<CliDeps, 'stdout' | 'stderr' | 'isTty'>) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#isTty = isTty;
    // A failed write comes to its callback *and* as an event, and unheard the event ends the process. Never removed:
    // the event may come after the command's end.
    stdout.on('error', () => undefined);
    stderr.on('error', () => undefined);
  }

  /** Prints data. Rejects with ExitSilently(0) when the reader has gone: whoever asked has read enough. */
  async data(text: string): Promise<void> {
    const error = await write(this.#stdout, text);
    if (error === undefined) return;
    if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') throw new ExitSilently(exitCode.ok);
    throw new CliFailure(exitCode.error, `the output could not be written: ${error.message}`);
  }

  async json(value: unknown): Promise<void> {
    await this.data(`${JSON.stringify(value, undefined, 2)}\n`);
  }

  /** A line beside the data that helps a person; nothing when the output goes elsewhere. */
  async hint(line: string): Promise<void> {
    if (this.#isTty) await this.message(`${line}\n`);
  }

  async error(line: string): Promise<void> {
    // One line, whatever the text is made of: scripts and logs read it by lines.
    await this.message(`error: ${printable(line.replace(/\s+/g, ' '))}\n`);
  }

  /** Prints to stderr. A stderr that is closed is nobody's concern: there is no one left to tell. */
  async message(text: string): Promise<void> {
    await write(this.#stderr, text);
  }

  /** For commander, which cannot wait: begins the write; `flush` waits for it. */
  readonly begin = {
    data: (text: string): void => this.#begin(() => this.data(text)),
    message: (text: string): void => this.#begin(() => this.message(text)),
  };

  /** Waits for what was begun; rejects as `data` does. */
  async flush(): Promise<void> {
    await this.#pending;
  }

  #begin(work: () => Promise<void>): void {
    this.#pending = this.#pending.then(work);
    this.#pending.catch(() => undefined); // `flush` tells
  }
}

function write(stream: Writable, text: string): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    stream.write(text, (error) => resolve(error ?? undefined));
  });
}
