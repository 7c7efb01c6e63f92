// A terminal taken over as a whole, and given back as it was whatever ends the program. Only lines that differ are written.
import type { Readable, Writable } from 'node:stream';
import { type Key, keysOf } from './keys.ts';
import type { Line, LineStyle } from './render.ts';
import type { Size } from './model.ts';

export type TerminalOut = Writable & { readonly columns?: number; readonly rows?: number };
export type TerminalIn = Readable & { setRawMode?(raw: boolean): unknown };

const escape = '\u001b[';
/** The alternate screen, no cursor, and no wrapping: what is too wide by the terminal's own measure is cut there. */
const takeOver = `${escape}?1049h${escape}?25l${escape}?7l`;
const giveBack = `${escape}0m${escape}?7h${escape}?25h${escape}?1049l`;

const styles: Readonly<Record<LineStyle, string>> = {
  plain: '',
  title: `${escape}1m`,
  focused: `${escape}7m`,
  alert: `${escape}1;31m`,
  faint: `${escape}2m`,
};

export interface ScreenEvents {
  readonly onKey: (key: Key) => void;
  readonly onResize: () => void;
  /** The terminal is gone. */
  readonly onGone: () => void;
}

export class Screen implements Disposable {
  private readonly output: TerminalOut;
  private readonly input: TerminalIn;
  private readonly events: ScreenEvents;
  private painted: readonly string[] = [];
  private isTaken = false;

  constructor(output: TerminalOut, input: TerminalIn, events: ScreenEvents) {
    this.output = output;
    this.input = input;
    this.events = events;
    input.on('data', this.onData).on('end', events.onGone).on('error', events.onGone);
    output.on('resize', this.onResize).on('error', events.onGone);
    // The last resort, for what ends the process without unwinding.
    process.on('exit', this.leave);
    process.on('SIGCONT', this.enter);
    this.enter();
  }

  get size(): Size {
    // Some terminals say 0 when they do not know.
    return { columns: this.output.columns || 80, rows: this.output.rows || 24 };
  }

  paint(lines: readonly Line[]): void {
    // A terminal that is stopped (^S) is not written to until it goes on: what it would show then is old.
    if (!this.isTaken || this.output.writableNeedDrain) return;
    const wanted = lines.map(({ text, style }) => `${styles[style]}${text}${escape}0m${escape}K`);
    const changes = wanted.map((text, index) =>
      text === this.painted[index] ? '' : `${escape}${index + 1};1H${text}`,
    );
    this.painted = wanted;
    const text = changes.join('');
    if (text !== '') this.output.write(text);
  }

  /** Puts the program into the background, as ^Z does where it is not a key. */
  suspend(): void {
    this.leave();
    process.kill(0, 'SIGTSTP');
  }

  [Symbol.dispose](): void {
    this.leave();
    process.off('exit', this.leave);
    process.off('SIGCONT', this.enter);
    this.input.off('data', this.onData).off('end', this.events.onGone).off('error', this.events.onGone);
    this.output.off('resize', this.onResize).off('error', this.events.onGone);
    this.input.pause();
  }

  private readonly enter = (): void => {
    this.input.setRawMode?.(true);
    this.input.resume();
    this.output.write(`${takeOver}${escape}2J`);
    this.isTaken = true;
    this.painted = [];
    this.events.onResize();
  };

  private readonly leave = (): void => {
    if (!this.isTaken) return;
    this.isTaken = false;
    this.input.setRawMode?.(false);
    this.output.write(giveBack);
  };

  private readonly onData = (bytes: Buffer | string): void => {
    for (const key of keysOf(bytes.toString())) this.events.onKey(key);
  };

  /** The terminal has moved things about: nothing of what was painted is certain. */
  private readonly onResize = (): void => {
    this.painted = [];
    if (this.isTaken) this.output.write(`${escape}2J`);
    this.events.onResize();
  };
}
