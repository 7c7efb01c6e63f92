// `watch`: follows what happens to an agent, as lines or as JSON, until it is interrupted.
import { InvalidArgumentError, type Command } from 'commander';
import { stringify } from 'yaml';
import { systemClock } from '../../platform/clock.ts';
import { connect } from '../api.ts';
import { parseName } from '../arguments.ts';
import { addAskingCommand } from '../command.ts';
import { formatOf } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { EventFollower } from '../event-follower.ts';
import { type EventFields, eventLine, parseEventData, understandEvent } from '../event-lines.ts';
import { printable } from '../printable.ts';

const knownTypes: readonly string[] = [
  'snapshot',
  'lease.granted',
  'lease.revoking',
  'lease.lost',
  'session.suspended',
  'session.resumed',
  'election.won',
  'election.lost',
  'assignment.changed',
  'agent.changed',
  'beat',
  'dropped',
  'closing',
];

interface WatchOptions {
  readonly types?: readonly string[];
  readonly topic?: string;
  readonly since?: string;
  readonly beats?: boolean;
}

export function addWatchCommand(program: Command, context: CliContext): void {
  addAskingCommand(program, 'watch', {
    summary: 'Follow what happens to the agent: leases granted and lost, its session, elections',
    details:
      'Begins with what the agent holds, and goes on until it is interrupted. When the agent restarts, it waits for it and ' +
      'goes on. With -o json every event is one line: time (of its arrival), id, event, data.',
    examples: [
      'watch',
      'watch --topic orders',
      'watch --types lease.granted,lease.lost -o json | jq -c .data',
    ],
  })
    .option('--types <list>', 'only these events, separated by commas', parseTypes)
    .option('--topic <name>', 'only what concerns leases of this topic', parseName)
    .option('--since <id>', 'go on behind this event, if the agent remembers it', parseEventId)
    .option('--beats', 'also show the signs of life, two a second')
    .action(async (options: WatchOptions, command: Command) => watch(context, options, command));
}

async function watch({ deps, printer }: CliContext, options: WatchOptions, command: Command): Promise<void> {
  const format = formatOf(command);
  const follower = new EventFollower(connect({ deps, printer }, command), {
    since: options.since,
    signal: deps.signal,
    tell: (line) => void printer.message(`${printable(line)}\n`),
  });
  const snapshot = new SnapshotSum();
  for await (const event of follower.events()) {
    const data = narrowed(parseEventData(event), options.topic);
    const fields = understandEvent(data);
    if (!isWanted(event.event, fields, options)) continue;
    const time = new Date(systemClock.wallMs()).toISOString();
    if (format !== 'table' && format !== 'wide') {
      const body = { time, id: event.id ?? null, event: event.event, data };
      await printer.data(recordText(format, body));
      continue;
    }
    const whole = event.event === 'snapshot' ? snapshot.add(fields) : fields;
    if (whole !== undefined) await printer.data(eventLine(time, event.event, whole));
  }
}

/** One event for programs: a line of JSON, a YAML document, or its name alone. */
function recordText(format: 'json' | 'yaml' | 'name', body: { readonly event: string }): string {
  if (format === 'json') return `${JSON.stringify(body)}\n`;
  return format === 'yaml' ? `---\n${stringify(body)}` : `${printable(body.event)}\n`;
}

/** For people a snapshot is one line, in however many parts it comes. */
class SnapshotSum {
  private leases: unknown[] = [];

  /** The whole, with its last part. */
  add(fields: EventFields): EventFields | undefined {
    const { part, parts, leases } = fields;
    this.leases = [...(part === 1 ? [] : this.leases), ...(leases ?? [])];
    return part === parts ? { ...fields, leases: this.leases } : undefined;
  }
}

function isWanted(event: string, { topic }: EventFields, options: WatchOptions): boolean {
  if (options.types !== undefined) {
    if (!options.types.includes(event)) return false;
  } else if (event === 'beat' && options.beats !== true) {
    return false;
  }
  return options.topic === undefined || event === 'snapshot' || topic === options.topic;
}

/** A snapshot with the leases of one topic. */
function narrowed(data: unknown, topic: string | undefined): unknown {
  if (topic === undefined || typeof data !== 'object' || data === null || !('leases' in data)) return data;
  const leases = Array.isArray(data.leases) ? data.leases : [];
  return { ...data, leases: leases.filter((lease: unknown) => understandEvent(lease).topic === topic) };
}

function parseTypes(list: string): readonly string[] {
  const types = list.split(',').map((type) => type.trim());
  const unknown = types.find((type) => !knownTypes.includes(type));
  if (unknown !== undefined) throw new InvalidArgumentError(`Events are ${knownTypes.join(', ')}.`);
  return types;
}

function parseEventId(text: string): string {
  if (/^[0-9A-Za-z-]{1,64}:\d{1,15}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be the id of an event, as -o json shows it: SESSION:NUMBER.');
}
