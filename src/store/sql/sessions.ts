// Agents and sessions. What beats, observes and reaps runs on the coordination connection; the rest on the ordinary one.
import { sql } from 'drizzle-orm';
import type { Serving } from '../../domain/agent-state.ts';
import type { HistoryPoint } from '../../domain/history.ts';
import { COORDINATOR } from '../../domain/lease.ts';
import { Refusal } from '../../domain/refusal.ts';
import { type SessionEndReason, sessionEndReasons } from '../../domain/session.ts';
import type {
  HeartbeatAnswer,
  NewSession,
  Observation,
  ObservedSession,
  ReapAnswer,
  RegisterAnswer,
  SessionStore,
} from '../sessions.ts';
import { ensureAgentGroup, raiseGeneration } from './agent-group.ts';
import { first, type SqlConnection, type SqlDatabase } from './database.ts';
import type { Dialect } from './dialect.ts';
import { historyPoint, readHistoryPoint } from './era.ts';
import type { EraWatch } from './era-watch.ts';
import { readBoolean, readNumber, readNumberOrNull, readText, readOneOfOrNull, readTime } from './read.ts';
import { closeSessionTerms, lockSessionLeases, vacateSessionLeases } from './session-leases.ts';
import { nothing, type ParameterValues, type Row, type Statement, statement } from './statement.ts';
import { leaseRow } from './lease-rows.ts';

type BySession = { sessionId: string };

const upsertAgent = statement<{
  group: string;
  agentId: string;
  address: string;
  zone: string;
  weight: number;
  managedTopics: string;
  metadata: string;
}>(
  'upsert_agent',
  (
    d,
  ) => sql`insert into ${d.table('agents')} (group_name, agent_id, address, zone, weight, managed_topics, metadata)
    values (${d.parameter('group', 'text')}, ${d.parameter('agentId', 'text')}, ${d.parameter('address', 'text')},
      ${d.parameter('zone', 'text')}, ${d.parameter('weight', 'integer')}, ${d.parameter('managedTopics', 'json')},
      ${d.parameter('metadata', 'json')})
    on conflict (group_name, agent_id) do update set address = excluded.address, zone = excluded.zone,
      weight = excluded.weight, managed_topics = excluded.managed_topics, metadata = excluded.metadata,
      registered_at = ${d.now}`,
  nothing,
);

/** Does nothing when the agent has a live session, this one or another. */
const insertSession = statement<{
  sessionId: string;
  group: string;
  agentId: string;
  process: string;
  ttlMs: number;
  serving: string;
}>(
  'insert_session',
  (
    d,
  ) => sql`insert into ${d.table('sessions')} (session_id, group_name, agent_id, process, ttl_ms, serving, expires_at)
    values (${d.parameter('sessionId', 'uuid')}, ${d.parameter('group', 'text')}, ${d.parameter('agentId', 'text')},
      ${d.parameter('process', 'text')}, ${d.parameter('ttlMs', 'integer')}, ${d.parameter('serving', 'text')},
      ${d.plusMs(d.now, d.parameter('ttlMs', 'integer'))})
    on conflict do nothing`,
  nothing,
);

function readObserved(row: Row): ObservedSession {
  return {
    sessionId: readText(row, 'session_id'),
    agentId: readText(row, 'agent_id'),
    beat: readNumber(row, 'beat'),
    ttlMs: readNumber(row, 'ttl_ms'),
    lockKey: readNumberOrNull(row, 'lock_key'),
    isLockHeld: readBoolean(row, 'is_lock_held'),
    progress: readNumberOrNull(row, 'progress'),
  };
}

/**
 * What the session `s` tells beside its beats, and whether anybody holds its lock. Not `exists`, which a planner that believes in few
 * sessions answers by going through all locks of the server once for each.
 */
function toldColumns(d: Dialect) {
  return sql`s.progress, s.lock_key,
    coalesce(s.lock_key in (select k.key from ${d.heldLocks} k), false) as is_lock_held`;
}

export const selectLiveSession = statement<
  { group: string; agentId: string },
  ObservedSession & { process: string }
>(
  'select_live_session',
  (
    d,
  ) => sql`select s.session_id, s.agent_id, s.beat, s.ttl_ms, s.process, ${toldColumns(d)} from ${d.table('sessions')} s
    where s.group_name = ${d.parameter('group', 'text')} and s.agent_id = ${d.parameter('agentId', 'text')}
      and s.ended_at is null`,
  (row) => ({ ...readObserved(row), process: readText(row, 'process') }),
);

/** One row, one table, no index touched, whatever the session holds. Late is fine: only a reap ends a session. */
const beat = statement<
  BySession & { lockKey: number | null; progress: number | null },
  { answer: HeartbeatAnswer; at: HistoryPoint }
>(
  'heartbeat',
  (d) => sql`with point as materialized ${historyPoint(d)}
    update ${d.table('sessions')}
    set beat = beat + 1, last_heartbeat_at = ${d.now},
      expires_at = ${d.plusMs(d.now, sql`ttl_ms`)},
      lock_key = case when lock_key > ${d.parameter('lockKey', 'bigint')} then lock_key else ${d.parameter('lockKey', 'bigint')} end,
      progress = ${d.parameter('progress', 'bigint')}
    where session_id = ${d.parameter('sessionId', 'uuid')} and ended_at is null
    returning lock_key is not null as is_crash_detected, holdings_version, end_requested_at is not null as end_requested,
      ${d.timeMs(sql`last_heartbeat_at`)} as database_time_ms,
      (select g.assignment_generation from ${d.table('agent_groups')} g where g.group_name = sessions.group_name)
        as assignment_generation,
      (select era_number from point) as era_number, (select era_is_own from point) as era_is_own,
      (select era_system from point) as era_system, (select era_timeline from point) as era_timeline,
      (select era_position from point) as era_position`,
  (row) => ({
    answer: {
      outcome: 'renewed',
      holdingsVersion: readNumber(row, 'holdings_version'),
      assignmentGeneration: readNumber(row, 'assignment_generation'),
      endRequested: readBoolean(row, 'end_requested'),
      databaseTime: readTime(row, 'database_time_ms'),
      isCrashDetected: readBoolean(row, 'is_crash_detected'),
      era: readNumber(row, 'era_number'),
    },
    at: readHistoryPoint(row),
  }),
);

/** Answers only when it changed something. */
const changeServing = statement<BySession & { serving: string }, true>(
  'change_serving',
  (d) => sql`update ${d.table('sessions')} set serving = ${d.parameter('serving', 'text')}
    where session_id = ${d.parameter('sessionId', 'uuid')} and ended_at is null
      and serving <> ${d.parameter('serving', 'text')}
    returning 1 as changed`,
  () => true,
);

const selectEndReason = statement<BySession, SessionEndReason | null>(
  'select_end_reason',
  (d) =>
    sql`select end_reason from ${d.table('sessions')} where session_id = ${d.parameter('sessionId', 'uuid')}`,
  (row) => readOneOfOrNull(row, 'end_reason', sessionEndReasons),
);

/** Of a session that is over, or unknown, and where in history that is so. */
const selectFate = statement<BySession, { reason: SessionEndReason | null; at: HistoryPoint }>(
  'select_fate',
  (d) => sql`select point.*, s.end_reason from ${historyPoint(d)} as point
    left join ${d.table('sessions')} s on s.session_id = ${d.parameter('sessionId', 'uuid')}`,
  (row) => ({
    reason: readOneOfOrNull(row, 'end_reason', sessionEndReasons),
    at: { ...readHistoryPoint(row), position: null },
  }),
);

export const endLiveSession = statement<BySession & { reason: string }>(
  'end_session',
  (
    d,
  ) => sql`update ${d.table('sessions')} set ended_at = ${d.now}, end_reason = ${d.parameter('reason', 'text')}
    where session_id = ${d.parameter('sessionId', 'uuid')} and ended_at is null`,
  nothing,
);

const coordinatorName = sql.raw(`'${leaseRow(COORDINATOR).name}'`);

type ObservedRow = ObservedSession & { readonly coordinatorEpoch: number | null };

/**
 * The coordinator's session and epoch, one look by primary key. Not joined to sessions: that reads leases once for each session, and
 * a plan made while there were few of them goes on being used.
 */
function coordinatorTerm(d: Dialect) {
  return sql`coordinator as materialized (
    select c.session_id, c.epoch from ${d.table('leases')} c where c.group_name = ${d.parameter('group', 'text')}
      and c.kind = 'role' and c.name = ${coordinatorName} and c.partition = 0)`;
}

/** Of live sessions `s`. */
function observed(d: Dialect) {
  return sql`select s.session_id, s.agent_id, s.beat, s.ttl_ms, s.registered_at, ${toldColumns(d)}, c.epoch as coordinator_epoch
    from ${d.table('sessions')} s
    left join coordinator c on c.session_id = s.session_id
    where s.group_name = ${d.parameter('group', 'text')} and s.ended_at is null`;
}

function readObservedRow(row: Row): ObservedRow {
  return { ...readObserved(row), coordinatorEpoch: readNumberOrNull(row, 'coordinator_epoch') };
}

const observeAll = statement<{ group: string }, ObservedRow>(
  'observe_sessions',
  (d) => sql`with ${coordinatorTerm(d)} ${observed(d)} order by s.registered_at, s.session_id`,
  readObservedRow,
);

const observeFew = statement<{ group: string; oldest: number }, ObservedRow>(
  'observe_coordinator',
  (d) => sql`with ${coordinatorTerm(d)}, oldest as materialized (
      select o.session_id from ${d.table('sessions')} o
      where o.group_name = ${d.parameter('group', 'text')} and o.ended_at is null
      order by o.registered_at, o.session_id limit ${d.parameter('oldest', 'bigint')})
    ${observed(d)} and s.session_id in (
      select session_id from oldest union select session_id from coordinator where session_id is not null)
    order by s.registered_at, s.session_id`,
  readObservedRow,
);

/**
 * The compare-and-set that ends a silent session. Waiting for the row behind a heartbeat, it is judged again on the row the
 * heartbeat left, whose beat differs. The last arm: a database clock that jumped back shows an expiry it cannot have given.
 */
const reap = statement<BySession & { beat: number }, true>(
  'reap_session',
  (d) => sql`update ${d.table('sessions')} set ended_at = ${d.now}, end_reason = 'reaped'
    where session_id = ${d.parameter('sessionId', 'uuid')} and ended_at is null and beat = ${d.parameter('beat', 'bigint')}
      and (expires_at < ${d.now} or expires_at > ${d.plusMs(d.now, sql`ttl_ms`)})
    returning 1 as reaped`,
  () => true,
);

/**
 * The same for a session whose lock has vanished. That nobody holds the lock is asked again by the statement itself; an agent that lives
 * after all has beaten, under another lock, and is found to have.
 */
const reapVanished = statement<BySession & { beat: number; lockKey: number }, true>(
  'reap_crashed_session',
  (d) => sql`update ${d.table('sessions')} set ended_at = ${d.now}, end_reason = 'reaped'
    where session_id = ${d.parameter('sessionId', 'uuid')} and ended_at is null and beat = ${d.parameter('beat', 'bigint')}
      and lock_key = ${d.parameter('lockKey', 'bigint')}
      and not exists (select 1 from ${d.heldLocks} k where k.key = ${d.parameter('lockKey', 'bigint')})
    returning 1 as reaped`,
  () => true,
);

export class SqlSessions implements Omit<
  SessionStore,
  'getAgent' | 'listAgents' | 'countAgents' | 'removeAgent' | 'purge' | 'setPlacement' | 'requestSessionEnd'
> {
  private readonly db: SqlDatabase;
  private readonly coordination: SqlConnection;
  private readonly eras: EraWatch;
  private readonly group: string;

  constructor(db: SqlDatabase, coordination: SqlConnection, eras: EraWatch, group: string) {
    this.db = db;
    this.coordination = coordination;
    this.eras = eras;
    this.group = group;
  }

  async registerSession(session: NewSession): Promise<RegisterAnswer> {
    const { group } = this;
    const { sessionId, agent, ttlMs, process, serving = 'serving' } = session;
    const { agentId, address, zone, weight } = agent;
    this.eras.noteTtl(ttlMs);
    return this.db.transaction(async (tx) => {
      await tx.all(ensureAgentGroup, { group });
      await tx.all(insertSession, { sessionId, group, agentId, process, ttlMs, serving });
      const live = await first(tx, selectLiveSession, { group, agentId });
      if (!live) throw new Refusal('session_lost', `session ${sessionId} has ended; register with a new one`);
      if (live.sessionId !== sessionId) return { outcome: 'name_taken', by: live };
      const managedTopics = JSON.stringify(agent.managedTopics);
      const metadata = JSON.stringify(agent.metadata);
      await tx.all(upsertAgent, { group, agentId, address, zone, weight, managedTopics, metadata });
      return { outcome: 'registered' };
    });
  }

  async heartbeat(sessionId: string, progress: number | null = null): Promise<HeartbeatAnswer> {
    // A connection that is made anew in between holds another lock: then the row names one that nobody holds, which
    // means nothing to observers that never saw it held.
    const lockKey = await this.coordination.lockKey();
    const eraKnown = this.eras.eraKnown;
    const renewed = await first(this.coordination, beat, { sessionId, lockKey, progress });
    if (renewed && (await this.eras.follows(renewed.at))) {
      this.coordination.lockTold(lockKey);
      return renewed.answer;
    }
    return this.fate(sessionId, eraKnown);
  }

  /** Why a session is over that was heard of last in era `eraKnown`. */
  private async fate(sessionId: string, eraKnown: number | undefined): Promise<HeartbeatAnswer> {
    const fate = await first(this.coordination, selectFate, { sessionId });
    if (fate === undefined) throw new Error('the store has no era row');
    // A store that lost commits may have lost the session with them.
    if (!(await this.eras.follows(fate.at))) return this.fate(sessionId, eraKnown);
    const { reason, at } = fate;
    const mayBeByEra = reason === null || reason === 'removed';
    if (mayBeByEra && eraKnown !== undefined && at.era > eraKnown) {
      return { outcome: 'session_lost', reason: 'new_era', era: at.era };
    }
    return { outcome: 'session_lost', reason: reason ?? 'unknown' };
  }

  async setServing(sessionId: string, serving: Serving): Promise<void> {
    await this.db.transaction(async (tx) => {
      if (await first(tx, changeServing, { sessionId, serving })) {
        await tx.all(raiseGeneration, { group: this.group });
      } else if ((await first(tx, selectEndReason, { sessionId })) !== null) {
        throw new Refusal('session_lost', `session ${sessionId} has ended; what it says counts no longer`);
      }
    });
  }

  async endSession(sessionId: string, reason: SessionEndReason): Promise<void> {
    await this.db.transaction(async (tx) => {
      // A reaped session's leases go on naming it, so that whoever takes them over learns from whom.
      if ((await first(tx, selectEndReason, { sessionId })) !== null) return;
      await tx.all(lockSessionLeases, { sessionId });
      await tx.all(closeSessionTerms, { sessionId, reason });
      await tx.all(vacateSessionLeases, { sessionId });
      await tx.all(endLiveSession, { sessionId, reason });
    }, 'large');
  }

  async observeSessions(): Promise<Observation> {
    return this.observe(observeAll, { group: this.group });
  }

  async observeCoordinator(oldest: number): Promise<Observation> {
    return this.observe(observeFew, { group: this.group, oldest });
  }

  async reapSession(sessionId: string, beat: number): Promise<ReapAnswer> {
    if (await first(this.coordination, reap, { sessionId, beat })) return 'reaped';
    return this.notReaped(sessionId);
  }

  async reapCrashed(sessionId: string, beat: number, lockKey: number): Promise<ReapAnswer> {
    if (await first(this.coordination, reapVanished, { sessionId, beat, lockKey })) return 'reaped';
    return this.notReaped(sessionId);
  }

  private async notReaped(sessionId: string): Promise<ReapAnswer> {
    const ended = await first(this.coordination, selectEndReason, { sessionId });
    return ended === null ? 'alive' : 'already_ended';
  }

  private async observe<P extends ParameterValues>(
    statement: Statement<P, ObservedRow>,
    parameters: P,
  ): Promise<Observation> {
    const rows = await this.coordination.all(statement, parameters);
    const coordinator = rows.find((row) => row.coordinatorEpoch !== null);
    return {
      connection: this.coordination.incarnation,
      sessions: rows.map(({ coordinatorEpoch: _, ...session }) => session),
      coordinatorSessionId: coordinator?.sessionId ?? null,
      coordinatorEpoch: coordinator?.coordinatorEpoch ?? null,
    };
  }
}
