// Where a copy stands, in one line of a terminal that is written over again and again; nothing elsewhere.
import type { CliContext } from '../context.ts';
import type { CopyProgress } from '../deps.ts';

/** Written at most this often, milliseconds: a batch may take less. */
const everyMs = 100;

export class CopyProgressLine {
  readonly #context: CliContext;
  #shownAtMs = Number.NEGATIVE_INFINITY;
  #isShown = false;

  constructor(context: CliContext) {
    this.#context = context;
  }

  async show({ phase, table, rows, of }: CopyProgress): Promise<void> {
    const { deps, printer } = this.#context;
    const nowMs = performance.now();
    if (deps.stderr.isTTY !== true || nowMs - this.#shownAtMs < everyMs) return;
    this.#shownAtMs = nowMs;
    this.#isShown = true;
    const share = of === 0 ? 100 : Math.min(100, Math.floor((rows / of) * 100));
    // Back to the line's beginning, and what is left of a longer one is cleared.
    await printer.message(`\r${phase} ${table}: ${rows} of ${of} rows (${share} %)\u001b[K`);
  }

  /** Clears the line, so that what is said next has it for itself. */
  async end(): Promise<void> {
    if (this.#isShown) await this.#context.printer.message('\r\u001b[K');
  }
}
