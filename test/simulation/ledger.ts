// What the database says, looked at behind every commit, against what it said before: epochs, sessions, logs. Knows nothing of the
// code that wrote it.
import { readTextOrNull } from '../../src/store/sql/read.ts';
import type { Row } from '../../src/store/sql/statement.ts';
import type { Database } from './database.ts';

/** A claim that did not hold. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly claim: string;

  constructor(claim: string, detail: string) {
    super(`${claim}: ${detail}`);
    this.claim = claim;
  }
}

export interface LeaseNow {
  readonly epoch: number;
  readonly sessionId: string | null;
}

interface Log {
  readonly lease: string;
  readonly highWatermark: number;
}

/** One row that tells whether there is anything to look at: a row less is many times cheaper than a look. */
const digestSql = `select
  (select group_concat(session_id || (ended_at is null)) from sessions) as sessions,
  (select group_concat(name || partition || ':' || epoch || ifnull(session_id, '-')) from leases) as leases,
  (select group_concat(topic_id || '/' || partition || ':' || high_watermark) from partitions) as logs`;

/** Statements that change neither leases nor sessions' ends nor logs. */
const harmless = new Set(['heartbeat']);

export class Ledger {
  private readonly database: Database;
  private readonly leases = new Map<string, LeaseNow>();
  /** By name of lease: the highest epoch ever granted or left behind. */
  private readonly highest = new Map<string, number>();
  private readonly live = new Set<string>();
  private readonly ended = new Set<string>();
  private readonly logs = new Map<string, Log>();
  /** Segments whose writer was told that they are stored, by log and base offset. */
  private readonly acknowledged = new Map<string, string>();
  private digest: Row = {};
  private granted = 0;
  private segments = 0;
  /** By name of lease: the epoch at which its topic's deletion left it last. */
  private readonly deleted = new Map<string, number>();

  constructor(database: Database) {
    this.database = database;
  }

  /** How many terms have begun. */
  get grants(): number {
    return this.granted;
  }

  get sessionsEnded(): number {
    return this.ended.size;
  }

  get segmentsAccepted(): number {
    return this.segments;
  }

  /** Whether the lease's topic was deleted since this epoch. */
  wasDeleted(lease: string, epoch: number): boolean {
    return (this.deleted.get(lease) ?? 0) > epoch;
  }

  lease(key: string): LeaseNow | undefined {
    return this.leases.get(key);
  }

  isLive(sessionId: string): boolean {
    return this.live.has(sessionId);
  }

  /** Partitions that there are, as leases. */
  partitions(): readonly string[] {
    return [...this.logs.values()].map(({ lease }) => lease);
  }

  committed(statements: readonly string[]): void {
    if (statements.every((statement) => harmless.has(statement))) return;
    const [digest] = this.database.firstRow(digestSql);
    if (digest?.['sessions'] !== this.digest['sessions']) this.lookAtSessions();
    if (digest?.['leases'] !== this.digest['leases']) this.lookAtLeases(statements.includes('delete_topic'));
    if (digest?.['logs'] !== this.digest['logs']) this.lookAtLogs();
    this.digest = digest ?? {};
  }

  /** A writer was told that this segment is stored. */
  acknowledge(lease: string, topicId: number, baseOffset: number, id: string): void {
    this.acknowledged.set(`${topicId}:${lease}@${baseOffset}`, id);
  }

  /** The logs as a whole: contiguous, each epoch at or above the one before, nothing acknowledged missing. */
  checkLogs(): void {
    const rows = this.database
      .rows(`select t.topic_id as id, t.name || '/' || s.partition as lease, s.base_offset as base,
        s.end_offset as last, s.epoch, s.segment_id as segment
      from segments s join topics t on t.topic_id = s.topic_id order by s.topic_id, s.partition, s.base_offset`);
    const ends = new Map<string, { next: number; epoch: number }>();
    const stored = new Map<string, string>();
    for (const row of rows) {
      const [id, lease] = [Number(row['id']), String(row['lease'])];
      const [base, last, epoch] = [Number(row['base']), Number(row['last']), Number(row['epoch'])];
      const end = ends.get(`${id}:${lease}`) ?? { next: 0, epoch: 0 };
      if (base !== end.next)
        throw new Violation('logs have no gap and no overlap', `${lease} at ${base} after ${end.next}`);
      if (epoch < end.epoch)
        throw new Violation('no write under an old epoch', `${lease}: ${epoch} behind ${end.epoch}`);
      ends.set(`${id}:${lease}`, { next: last + 1, epoch });
      stored.set(`${id}:${lease}@${base}`, String(row['segment']));
    }
    const topics = new Set(
      this.database.rows('select topic_id as id from topics').map(({ id }) => `${Number(id)}`),
    );
    for (const [at, id] of this.acknowledged) {
      const isGone = !topics.has(at.slice(0, at.indexOf(':')));
      if (!isGone && stored.get(at) !== id) throw new Violation('acknowledged writes stay', `${id} at ${at}`);
    }
  }

  private lookAtSessions(): void {
    const rows = this.database.rows(
      'select session_id as id, ended_at is not null as is_ended from sessions',
    );
    const seen = new Set<string>();
    for (const row of rows) {
      const id = String(row['id']);
      seen.add(id);
      if (Number(row['is_ended']) === 1) {
        this.live.delete(id);
        this.ended.add(id);
      } else if (this.ended.has(id)) {
        throw new Violation('an ended session stays ended', `session ${id} lives again`);
      } else this.live.add(id);
    }
    for (const id of this.live) {
      if (!seen.has(id)) throw new Violation('a live session is not forgotten', `session ${id} is gone`);
    }
  }

  private lookAtLeases(isDeletion: boolean): void {
    const rows = this.database.rows(
      `select case kind when 'role' then 'role:' || name else name || '/' || partition end as lease, epoch, session_id from leases`,
    );
    for (const row of rows) {
      const lease = String(row['lease']);
      const epoch = Number(row['epoch']);
      const sessionId = readTextOrNull(row, 'session_id');
      const before = this.leases.get(lease);
      if (before?.epoch === epoch && before.sessionId === sessionId) continue;
      this.compare(lease, before, { epoch, sessionId });
      this.leases.set(lease, { epoch, sessionId });
      this.highest.set(lease, epoch);
      if (isDeletion) this.deleted.set(lease, epoch);
    }
  }

  private compare(lease: string, before: LeaseNow | undefined, now: LeaseNow): void {
    const highest = this.highest.get(lease) ?? 0;
    if (now.epoch < highest) {
      throw new Violation('epochs only grow', `${lease} is at ${now.epoch} after ${highest}`);
    }
    if (now.sessionId === null || now.sessionId === before?.sessionId) {
      if (now.sessionId !== null && now.epoch > highest) this.granted += 1;
      return;
    }
    this.granted += 1;
    if (now.epoch <= highest) {
      throw new Violation('no epoch is granted twice', `${lease} at ${now.epoch} to another session`);
    }
    if (before?.sessionId !== null && before?.sessionId !== undefined && this.live.has(before.sessionId)) {
      throw new Violation('nobody takes from a live session', `${lease} from ${before.sessionId}`);
    }
    if (!this.live.has(now.sessionId)) {
      throw new Violation('an ended session gets nothing', `${lease} at ${now.epoch} to ${now.sessionId}`);
    }
  }

  private lookAtLogs(): void {
    const rows = this.database
      .rows(`select p.topic_id as id, t.name || '/' || p.partition as lease, p.high_watermark as hw
      from partitions p join topics t on t.topic_id = p.topic_id`);
    const seen = new Set<string>();
    for (const row of rows) {
      const lease = String(row['lease']);
      const key = `${Number(row['id'])}:${lease}`;
      seen.add(key);
      const highWatermark = Number(row['hw']);
      const before = this.logs.get(key)?.highWatermark ?? 0;
      if (highWatermark === before && this.logs.has(key)) continue;
      if (highWatermark !== before) this.accept(Number(row['id']), lease, before);
      this.logs.set(key, { lease, highWatermark });
    }
    for (const key of this.logs.keys()) if (!seen.has(key)) this.logs.delete(key);
  }

  /** Something was appended: it must be its holder's. */
  private accept(topicId: number, lease: string, from: number): void {
    const partition = lease.slice(lease.lastIndexOf('/') + 1);
    const rows = this.database.rows(
      'select base_offset as base, epoch from segments where topic_id = ? and partition = ? and base_offset >= ?',
      [BigInt(topicId), BigInt(partition), BigInt(from)],
    );
    const now = this.leases.get(lease);
    for (const row of rows) {
      this.segments += 1;
      const epoch = Number(row['epoch']);
      if (now?.epoch !== epoch) {
        throw new Violation('no write under an old epoch', `${lease}: ${epoch} accepted at ${now?.epoch}`);
      }
      if (now.sessionId === null || !this.live.has(now.sessionId)) {
        throw new Violation(
          'no write under an old epoch',
          `${lease}: ${epoch} accepted without a live holder`,
        );
      }
    }
  }
}
