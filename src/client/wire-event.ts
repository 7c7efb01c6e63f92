// The events of an agent's stream as they come over the wire, checked.
import { Fields } from './fields.ts';

export interface PartitionName {
  readonly topic: string;
  readonly partition: number;
}

/** A partition's term: the epoch names it. */
export interface PartitionTerm extends PartitionName {
  readonly epoch: number;
}

export interface Revoking {
  /** How much time was left when the agent wrote it, milliseconds. */
  readonly deadlineMs: number;
  /** The agent that gets the partition, if that is known. */
  readonly to: string | null;
}

export interface SnapshotLease extends PartitionTerm {
  readonly revoking: Revoking | undefined;
}

export type WireEvent =
  | {
      readonly type: 'snapshot';
      readonly part: number;
      readonly parts: number;
      readonly sessionId: string | null;
      readonly trustedForMs: number;
      readonly leases: readonly SnapshotLease[];
    }
  | ({ readonly type: 'lease.granted'; readonly highWatermark: number | null } & PartitionTerm)
  | ({ readonly type: 'lease.revoking' } & PartitionTerm & Revoking)
  | ({ readonly type: 'lease.lost'; readonly reason: string } & PartitionTerm)
  | { readonly type: 'session.suspended'; readonly reason: string }
  | { readonly type: 'session.resumed'; readonly sessionId: string }
  | {
      readonly type: 'election.won' | 'election.lost';
      readonly name: string;
      readonly candidate: string;
      readonly epoch: number;
    }
  | { readonly type: 'beat' }
  /** The agent ends the stream, and says why. */
  | { readonly type: 'closing' | 'dropped'; readonly reason: string };

/** Undefined: an event that a broker has no use for, perhaps of a later version. Throws NotAnAgents. */
export function parseEvent(type: string, data: string): WireEvent | undefined {
  const fields = (): Fields => Fields.parse(data, `a ${type} event`);
  switch (type) {
    case 'snapshot':
      return snapshot(fields());
    case 'lease.granted': {
      const body = fields();
      return { type, ...termOf(body), highWatermark: body.wholeOrNull('highWatermark') };
    }
    case 'lease.revoking': {
      const body = fields();
      return { type, ...termOf(body), ...revokingOf(body) };
    }
    case 'lease.lost': {
      const body = fields();
      return { type, ...termOf(body), reason: body.optionalText('reason') ?? 'not told' };
    }
    case 'session.suspended':
      return { type, reason: fields().optionalText('reason') ?? 'not told' };
    case 'session.resumed':
      return { type, sessionId: fields().text('sessionId') };
    case 'election.won':
    case 'election.lost': {
      const body = fields();
      return { type, name: body.text('name'), candidate: body.text('candidate'), epoch: body.whole('epoch') };
    }
    case 'beat':
      return { type };
    case 'closing':
    case 'dropped':
      return { type, reason: fields().optionalText('reason') ?? 'not told' };
    default:
      return undefined;
  }
}

/** The session in an event's id, `<session>:<n>`; undefined when it names none. */
export function parseEventId(
  id: string,
): { readonly sessionId: string | null; readonly n: number } | undefined {
  const match = /^(?<session>.+):(?<n>\d+)$/.exec(id);
  const session = match?.groups?.['session'];
  if (session === undefined) return undefined;
  return { sessionId: session === '-' ? null : session, n: Number(match?.groups?.['n']) };
}

function snapshot(body: Fields): WireEvent {
  return {
    type: 'snapshot',
    part: body.whole('part'),
    parts: body.whole('parts'),
    sessionId: body.textOrNull('sessionId'),
    trustedForMs: body.durationMs('trustedForMs'),
    leases: body.list('leases').map((lease) => ({
      ...termOf(lease),
      revoking: lease.isNull('revoking') ? undefined : revokingOf(lease.part('revoking')),
    })),
  };
}

function termOf(body: Fields): PartitionTerm {
  return { topic: body.text('topic'), partition: body.whole('partition'), epoch: body.whole('epoch') };
}

function revokingOf(body: Fields): Revoking {
  return { deadlineMs: body.durationMs('deadlineMs'), to: body.textOrNull('to') };
}
