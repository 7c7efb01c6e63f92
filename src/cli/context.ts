// What every command is given.
import type { CliDeps } from './deps.ts';
import type { Printer } from './printer.ts';

export interface CliContext {
  readonly deps: CliDeps;
  readonly printer: Printer;
}
