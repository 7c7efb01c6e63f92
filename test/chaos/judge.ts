// What a run has shown: the history with what the store says at the end, judged by the checker; and the log of each partition, read back.
import { Client } from 'pg';
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import type { PostgresServer } from '../support/postgres-server.ts';
import type { BrokerNotes, SentAppend } from './broker.ts';
import { faultsThatLetTwoBelieve } from './faults.ts';
import { grouped, type Operation } from './history.ts';
import { findContradictions } from './linearizable.ts';
import type { ChaosNode } from './node.ts';
import { rawTopic, type RawNotes } from './raw-client.ts';
import type { Overlap } from './term-board.ts';

export interface Judged extends BrokerNotes, RawNotes {
  readonly faults: ReadonlyMap<string, number>;
  readonly seconds: number;
  readonly calmAfterMs: number;
  readonly server: PostgresServer;
  readonly direct: MetadataStore;
  readonly topic: string;
  readonly nodes: readonly ChaosNode[];
}

/** What a run leaves behind, and all that is judged. */
export interface Evidence {
  readonly topic: string;
  readonly operations: readonly Operation[];
  readonly segments: readonly StoredSegment[];
  readonly acknowledged: readonly SentAppend[];
  readonly unknown: readonly SentAppend[];
  readonly staleAccepted: number;
  /** Two brokers that believed at once while nothing explains it, in words. */
  readonly overlaps: readonly string[];
  readonly surprises: readonly string[];
}

export interface Judgement {
  readonly evidence: Evidence;
  /** Everything that must not be. */
  readonly violations: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
  readonly faults: ReadonlyMap<string, number>;
  /** What happened of each kind. */
  readonly operations: ReadonlyMap<string, number>;
}

interface StoredTerm {
  readonly name: string;
  readonly partition: number;
  readonly epoch: number;
  readonly session_id: string;
  readonly agent_id: string;
  readonly is_over: boolean;
}

export interface StoredSegment {
  readonly partition: number;
  readonly segment_id: string;
  readonly base_offset: number;
  readonly end_offset: number;
  readonly epoch: number;
}

export async function judge(run: Judged): Promise<Judgement> {
  const { history, board, stale, surprises, faults, nodes } = run;
  const [terms, segments] = await storedIn(run.server, run.topic);
  for (const term of terms) noteTerm(run, term);
  const stored = noteUnknown(run, segments);
  const unexpected: string[] = [];
  const expected: Overlap[] = [];
  let unfrozen = 0;
  for (const overlap of board.overlaps) {
    const during =
      nodes.find(({ agentId }) => agentId === overlap.older.agentId)?.faultsAt(overlap.atMs) ?? [];
    if (during.some((fault) => faultsThatLetTwoBelieve.has(fault))) {
      expected.push(overlap);
      if (!during.some((fault) => fault.startsWith('freeze'))) unfrozen += 1;
    } else unexpected.push(overlapText(overlap, during));
  }
  const operations = grouped(history.operations, ({ what }) => what.kind);
  const evidence: Evidence = {
    topic: run.topic,
    operations: history.operations,
    segments,
    acknowledged: run.acknowledged,
    unknown: run.unknown,
    staleAccepted: stale.accepted,
    overlaps: unexpected,
    surprises,
  };
  return {
    evidence,
    violations: violationsIn(evidence),
    figures: {
      seconds: Math.round(run.seconds),
      'led again after the weather cleared, ms': Math.round(run.calmAfterMs),
      operations: history.operations.length,
      'grants of partitions to agents': terms.filter(({ name }) => name === run.topic).length,
      'grants to clients of the store': terms.filter(({ name }) => name === rawTopic).length,
      'appends acknowledged': run.acknowledged.length,
      'appends without an answer, or refused': run.unknown.length,
      'of those stored': stored,
      'stale writes refused': stale.refused,
      'stale writes accepted': stale.accepted,
      'terms told to brokers': board.told,
      'two brokers at once': unexpected.length,
      'two brokers at once, server half cut unheard': expected.length,
      'of those without a freeze': unfrozen,
      'longest of those, ms': Math.round(Math.max(0, ...expected.map(({ forMs }) => forMs))),
    },
    faults,
    operations: new Map([...operations].map(([kind, { length }]) => [kind, length])),
  };
}

/** Everything that must not be, in words. */
export function violationsIn(evidence: Evidence): string[] {
  const { operations, overlaps, surprises, staleAccepted } = evidence;
  return [
    ...[...grouped(operations, ({ lease }) => lease).values()].flatMap((each) => findContradictions(each)),
    ...logViolations(evidence),
    ...surprises,
    ...overlaps,
    ...(staleAccepted > 0 ? [`${staleAccepted} stale writes were accepted`] : []),
  ];
}

async function storedIn(server: PostgresServer, topic: string): Promise<[StoredTerm[], StoredSegment[]]> {
  const client = new Client({ connectionString: server.url, options: '-c search_path=streamhouse' });
  await client.connect();
  try {
    const terms = await client.query<StoredTerm>(
      `select name, partition, epoch::float8 as epoch, session_id, agent_id, ended_at is not null as is_over
       from lease_history where kind = 'partition' and name in ($1, $2)`,
      [topic, rawTopic],
    );
    const segments = await client.query<StoredSegment>(
      `select partition, segment_id, base_offset::float8 as base_offset, end_offset::float8 as end_offset, epoch::float8 as epoch
       from segments join topics using (topic_id) where name = $1 order by partition, base_offset`,
      [topic],
    );
    return [terms.rows, segments.rows];
  } finally {
    await client.end();
  }
}

/**
 * What the store says of a term. Agents' own calls are inside their processes: the store's word is all there is, at no known moment. Of
 * its own clients every call is known, and the store's word must agree.
 */
function noteTerm({ history, sessionEnds }: Judged, term: StoredTerm): void {
  const { name, partition, epoch, is_over: isOver } = term;
  const operation = {
    lease: `${name}/${partition}`,
    client: 'the store',
    invokedMs: -Infinity,
    returnedMs: Infinity,
  };
  const note = (what: Operation['what'], times = {}): void => history.note({ ...operation, ...times, what });
  if (name !== rawTopic) {
    note({ kind: 'grant', epoch, holder: term.agent_id });
    if (isOver) note({ kind: 'end', epoch });
    return;
  }
  note({ kind: 'granted', epoch, holder: term.session_id });
  for (const { sessionId, client, invokedMs, returnedMs } of sessionEnds) {
    if (sessionId !== term.session_id) continue;
    note({ kind: 'perhaps_end', epoch }, { client, invokedMs });
    if (Number.isFinite(returnedMs)) note({ kind: 'ended', epoch }, { client, invokedMs, returnedMs });
  }
}

/** What was sent without an answer and is there, was accepted at some moment after it was sent. Answers how many. */
function noteUnknown({ history, unknown }: Judged, segments: readonly StoredSegment[]): number {
  const ids = new Map(segments.map((segment) => [segment.segment_id, segment]));
  let stored = 0;
  for (const { id, lease, agentId, invokedMs } of unknown) {
    const segment = ids.get(id);
    if (segment === undefined) continue;
    stored += 1;
    const what = { kind: 'held', epoch: segment.epoch, holder: agentId } as const;
    history.note({ lease, client: `broker ${agentId}`, invokedMs, returnedMs: Infinity, what });
  }
  return stored;
}

/** Every log is whole from its beginning, in the order of its terms, and has what was acknowledged as it was sent, and nothing of nobody. */
function logViolations({ acknowledged, unknown, topic, segments }: Evidence): string[] {
  const found: string[] = [];
  const stored = new Map(segments.map((segment) => [segment.segment_id, segment]));
  const sent = new Set([...acknowledged, ...unknown].map(({ id }) => id));
  for (const each of acknowledged) {
    const segment = stored.get(each.id);
    if (segment === undefined) found.push(`${sentText(each)} was acknowledged, and is lost`);
    else if (!isAsSent(each, segment))
      found.push(`${sentText(each)} is stored otherwise: ${JSON.stringify(segment)}`);
  }
  for (const [partition, log] of grouped(segments, (segment) => segment.partition)) {
    let before = { end_offset: -1, epoch: 0 };
    for (const segment of log) {
      const text = `${topic}/${partition}: the segment at ${segment.base_offset}`;
      if (segment.base_offset !== before.end_offset + 1)
        found.push(`${text} should begin at ${before.end_offset + 1}`);
      if (segment.epoch < before.epoch)
        found.push(`${text} has epoch ${segment.epoch}, behind ${before.epoch}`);
      if (!sent.has(segment.segment_id)) found.push(`${text} was sent by nobody`);
      before = segment;
    }
  }
  return found;
}

function isAsSent(sent: SentAppend, { partition, base_offset, end_offset, epoch }: StoredSegment): boolean {
  const isInPlace = sent.lease.endsWith(`/${partition}`) && sent.baseOffset === base_offset;
  return isInPlace && sent.endOffset === end_offset && sent.epoch === epoch;
}

function sentText({ lease, id, epoch, baseOffset }: SentAppend): string {
  return `${lease}: ${id} at ${baseOffset} under epoch ${epoch}`;
}

function overlapText({ lease, older, newer, forMs }: Overlap, during: readonly string[]): string {
  return `${lease}: ${older.agentId} (epoch ${older.epoch}) believed for ${Math.round(forMs)} ms when ${newer.agentId} (epoch ${newer.epoch}) began; done to it: ${during.join(', ') || 'nothing'}`;
}
