// Text on a terminal that later text takes the place of, without clearing what stood above it.
import type { Writable } from 'node:stream';

const escape = '\u001b[';

export class Overpainting {
  private readonly terminal: Writable & { readonly columns?: number; readonly rows?: number };
  /** How many lines stand there now. */
  private lines = 0;
  private text = '';

  constructor(terminal: Writable & { readonly columns?: number; readonly rows?: number }) {
    this.terminal = terminal;
  }

  /** What to write so that `text` stands where the last did. Lines that do not fit are cut: one that wraps would be counted wrongly. */
  over(text: string): string {
    this.text = text;
    return this.paint(text);
  }

  /** The same text again, with a line below it. */
  under(line: string): string {
    return this.paint(this.text + line);
  }

  private paint(text: string): string {
    const { columns = 80, rows = 24 } = this.terminal;
    const all = text.replace(/\n$/, '').split('\n');
    const fitting =
      all.length < rows ? all : [...all.slice(0, rows - 2), `… ${all.length - rows + 2} more lines`];
    const up = this.lines === 0 ? '' : `${escape}${this.lines}A\r`;
    this.lines = fitting.length;
    const cut = fitting.map(
      (line) =>
        `${Array.from(line)
          .slice(0, columns - 1)
          .join('')}${escape}K\n`,
    );
    return `${up}${cut.join('')}${escape}J`;
  }
}
