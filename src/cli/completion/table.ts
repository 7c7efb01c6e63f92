// What can be typed where, from the program's own commands: one table for all shells. A key says where, its lines what may stand
// there: a word and what it means, or `@topics` and the like for names that an agent is asked for.
import type { Argument, Command, Option } from 'commander';

export interface Candidate {
  readonly word: string;
  readonly meaning: string;
}

/**
 * `commands topics`: what may follow; `options topics list`; `value topics list --limit`: only for options that take one;
 * `argument topics describe 0`.
 */
export type CompletionTable = ReadonlyMap<string, readonly Candidate[]>;

/** Names that exist in the group, with the command that lists them. */
export const nameSources = {
  '@agents': 'agents list',
  '@topics': 'topics list',
  '@partitions': 'leases list',
  '@elections': 'elections list',
  '@groups': 'groups list',
} as const;
type NameSource = keyof typeof nameSources;

export function completionTable(program: Command): CompletionTable {
  const table = new Map<string, readonly Candidate[]>();
  enter(table, program, []);
  return table;
}

function enter(table: Map<string, readonly Candidate[]>, command: Command, path: readonly string[]): void {
  const key = (...words: readonly string[]): string => words.join(' ');
  const { visibleCommands, visibleOptions } = helpOf(command);
  const options = visibleOptions.flatMap(optionCandidates);
  table.set(key('options', ...path), options);
  for (const option of visibleOptions.filter(({ required, optional }) => required || optional)) {
    for (const flag of flagsOf(option)) table.set(key('value', ...path, flag), valueCandidates(option));
  }
  for (const [index, argument] of command.registeredArguments.entries()) {
    const candidates = argumentCandidates(argument, path);
    table.set(key('argument', ...path, String(index)), candidates);
  }
  if (visibleCommands.length > 0) {
    const words = visibleCommands.map((each) => ({ word: each.name(), meaning: each.summary() }));
    table.set(key('commands', ...path), words);
  }
  for (const each of visibleCommands) enter(table, each, [...path, each.name()]);
}

function helpOf(command: Command): { visibleCommands: Command[]; visibleOptions: Option[] } {
  const help = command.createHelp();
  return {
    // Commander's own `help` has no options, and every command has --help.
    visibleCommands: help.visibleCommands(command).filter((each) => each.name() !== 'help'),
    visibleOptions: help.visibleOptions(command),
  };
}

function flagsOf({ short, long }: Option): string[] {
  return [short, long].filter((flag) => flag !== undefined);
}

function optionCandidates(option: Option): Candidate[] {
  return option.long === undefined ? [] : [{ word: option.long, meaning: option.description }];
}

const sourceOfOption: Readonly<Record<string, NameSource>> = {
  agent: '@agents',
  to: '@agents',
  prefer: '@agents',
  topic: '@topics',
};

function valueCandidates(option: Option): Candidate[] {
  if (option.argChoices !== undefined) return option.argChoices.map((word) => ({ word, meaning: '' }));
  return named(sourceOfOption[option.attributeName()]);
}

function argumentCandidates(argument: Argument, [group]: readonly string[]): Candidate[] {
  if (argument.argChoices !== undefined) return argument.argChoices.map((word) => ({ word, meaning: '' }));
  const name = argument.name();
  if (name === 'agent') return named('@agents');
  if (name === 'topic/partition') return named('@partitions');
  if (name === 'group') return named('@groups');
  if (name === 'name' && group === 'topics') return named('@topics');
  return name === 'name' && group === 'elections' ? named('@elections') : [];
}

function named(source: NameSource | undefined): Candidate[] {
  return source === undefined ? [] : [{ word: source, meaning: '' }];
}
