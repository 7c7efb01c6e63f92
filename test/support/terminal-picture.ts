// What a terminal would show of what a program has written: a picture of its characters. Knows the sequences that this program
// writes and no others, so that a new one is noticed.

export class TerminalPicture {
  columns: number;
  rows: number;
  isAlternate = false;
  isCursorShown = true;
  private lines: string[][] = [[]];
  private row = 0;
  private column = 0;
  private rest = '';

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  get text(): string {
    const shown = this.isAlternate ? this.lines.slice(0, this.rows) : this.lines.slice(-this.rows);
    return shown
      .map((line) =>
        line
          .map((each) => each ?? ' ')
          .join('')
          .trimEnd(),
      )
      .join('\n');
  }

  write(text: string): void {
    this.rest += text;
    for (;;) {
      const piece = /^(?:\u001b\[([?\d;]*)([A-Za-z])|[^\u001b])/u.exec(this.rest); // oxlint-disable-line no-control-regex
      if (piece === null) return;
      this.rest = this.rest.slice(piece[0].length);
      if (piece[2] === undefined) this.put(piece[0]);
      else this.obey(piece[1] ?? '', piece[2]);
    }
  }

  private put(character: string): void {
    if (character === '\r') this.column = 0;
    else if (character === '\n') this.to(this.row + 1, 0);
    else if (character >= ' ') this.line()[this.column++] = character;
  }

  private obey(parameters: string, command: string): void {
    const [first = 0, second = 0] = parameters.split(';').map(Number);
    const does: Record<string, () => void> = {
      m: () => undefined,
      H: () => this.to(Math.max(1, first) - 1, Math.max(1, second) - 1),
      A: () => this.to(Math.max(0, this.row - Math.max(1, first)), this.column),
      K: () => {
        this.line().splice(first === 2 ? 0 : this.column);
      },
      J: () => {
        if (first === 2) this.lines = [];
        this.line().splice(this.column);
        this.lines.splice(this.row + 1);
      },
      h: () => this.mode(parameters, true),
      l: () => this.mode(parameters, false),
    };
    const act = does[command];
    if (act === undefined) throw new Error(`an unknown sequence: ESC [ ${parameters} ${command}`);
    act();
  }

  private mode(name: string, isOn: boolean): void {
    if (name === '?1049') this.isAlternate = isOn;
    if (name === '?25') this.isCursorShown = isOn;
  }

  private to(row: number, column: number): void {
    this.row = row;
    this.column = column;
    while (this.lines.length <= row) this.lines.push([]);
  }

  private line(): string[] {
    while (this.lines.length <= this.row) this.lines.push([]);
    return this.lines[this.row] ?? [];
  }
}
