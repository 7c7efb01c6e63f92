// The metadata store put together from its SQL parts; a backend gives the database, the connection and its own write statements.
import type { Era, MetadataStore, PoolUse } from '../metadata-store.ts';
import { SqlAgents } from './agents.ts';
import { SqlAssignments } from './assignments.ts';
import { SqlConsumerGroups } from './consumer-groups.ts';
import { first, type SqlConnection, type SqlDatabase } from './database.ts';
import { selectEra } from './era.ts';
import type { EraWatch } from './era-watch.ts';
import type { FencedWrites } from './fence.ts';
import { joiningByDefault, type JoiningOptions, StoreJoining } from './joining.ts';
import type { LeaseWrites } from './lease-writes.ts';
import { SqlLeaseViews } from './lease-views.ts';
import { SqlLeases } from './leases.ts';
import { SqlLeaseRequests } from './lease-requests.ts';
import { readLog } from './log-parts.ts';
import type { OffsetWrites } from './offset-writes.ts';
import { SqlOperatorMoves } from './operator-moves.ts';
import { SqlRebalance } from './rebalance.ts';
import { SqlRetention } from './retention.ts';
import { findSegment } from './segment-finding.ts';
import { SqlSegments } from './segments.ts';
import { SqlSessions } from './sessions.ts';
import { SqlStuckCoordinator } from './stuck-coordinator.ts';
import { SqlTopics } from './topics.ts';

export interface SqlBackend {
  readonly name: MetadataStore['backend'];
  readonly db: SqlDatabase;
  readonly coordination: SqlConnection;
  readonly leaseWrites: LeaseWrites;
  readonly fencedWrites: FencedWrites;
  readonly offsetWrites: OffsetWrites;
  /** How writes that come together are joined. Default: as for a store of one's own. */
  readonly joining?: JoiningOptions;
  readonly eras: EraWatch;
  /** Default: there are none. */
  pools?(): readonly PoolUse[];
  close(): Promise<void>;
}

/** The store of one agent group over `backend`. */
export function sqlStore(backend: SqlBackend, group: string): MetadataStore {
  const { db, coordination, eras } = backend;
  const topics = new SqlTopics(db, group);
  const joining = new StoreJoining(backend.joining ?? joiningByDefault);
  const segments = new SqlSegments(db, backend.fencedWrites, eras, joining, group);
  const consumers = new SqlConsumerGroups(db, backend.offsetWrites, joining, group);
  const sessions = new SqlSessions(db, coordination, eras, group);
  const agents = new SqlAgents(db, group);
  const retention = new SqlRetention(db, group);
  const leaseViews = new SqlLeaseViews(db, coordination, group);
  const leases = new SqlLeases(db, backend.leaseWrites, eras, group);
  const leaseRequests = new SqlLeaseRequests(db, group);
  const stuckCoordinator = new SqlStuckCoordinator(db, group);
  const assignments = new SqlAssignments(db, group);
  const rebalance = new SqlRebalance(db, group);
  const operatorMoves = new SqlOperatorMoves(db, group);
  const currentEra = async (): Promise<Era> => {
    const era = await first(db, selectEra, {});
    if (!era) throw new Error('the store has no era row');
    return era;
  };
  return {
    backend: backend.name,
    get pools() {
      return backend.pools?.() ?? [];
    },
    createTopic: (topic) => topics.createTopic(topic),
    deleteTopic: (name) => topics.deleteTopic(name),
    getTopic: (name) => topics.getTopic(name),
    listTopics: (page) => topics.listTopics(page),
    addPartitions: (name, count) => topics.addPartitions(name, count),
    getPartition: (topic, partition) => topics.getPartition(topic, partition),
    listPartitions: (topic, page) => topics.listPartitions(topic, page),
    appendSegments: (fence, topic, partition, list) => segments.appendSegments(fence, topic, partition, list),
    advanceHighWatermark: (fence, topic, partition, offset) =>
      segments.advanceHighWatermark(fence, topic, partition, offset),
    listSegments: (topic, partition, from, page) => segments.listSegments(topic, partition, from, page),
    findSegment: (topic, partition, offset) => findSegment(db, { group, topic, partition, offset }),
    readLog: (topic, partition, from, limit) => readLog(db, { group, topic, partition }, from, limit),
    deleteSegmentsBefore: (topic, partition, before, limit) =>
      segments.deleteSegmentsBefore(topic, partition, before, limit),
    ensureConsumerGroup: (name) => consumers.ensureConsumerGroup(name),
    getConsumerGroup: (name) => consumers.getConsumerGroup(name),
    listConsumerGroups: (page) => consumers.listConsumerGroups(page),
    commitOffsets: (name, commits) => consumers.commitOffsets(name, commits),
    getCommittedOffset: (name, topic, partition) => consumers.getCommittedOffset(name, topic, partition),
    listCommittedOffsets: (name, page) => consumers.listCommittedOffsets(name, page),
    deleteConsumerGroup: (name) => consumers.deleteConsumerGroup(name),
    registerSession: (session) => sessions.registerSession(session),
    heartbeat: (id, progress) => sessions.heartbeat(id, progress),
    setServing: (id, serving) => sessions.setServing(id, serving),
    endSession: (id, reason) => sessions.endSession(id, reason),
    observeSessions: () => sessions.observeSessions(),
    observeCoordinator: (oldest) => sessions.observeCoordinator(oldest),
    reapSession: (id, beat) => sessions.reapSession(id, beat),
    reapCrashed: (id, beat, lockKey) => sessions.reapCrashed(id, beat, lockKey),
    getAgent: (id) => agents.getAgent(id),
    listAgents: (page) => agents.listAgents(page),
    setPlacement: (id, placement) => agents.setPlacement(id, placement),
    requestSessionEnd: (key, epoch) => leaseRequests.requestSessionEnd(key, epoch),
    countAgents: () => agents.countAgents(),
    removeAgent: (id, options) => agents.removeAgent(id, options),
    purge: (olderThanMs) => retention.purge(olderThanMs),
    acquireLeases: (id, keys, reclaim) => leases.acquireLeases(id, keys, reclaim),
    releaseLeases: (id, terms, reason) => leases.releaseLeases(id, terms, reason),
    heldLeases: (id) => leases.heldLeases(id),
    requestRelease: (key, expectedEpoch) => leaseRequests.requestRelease(key, expectedEpoch),
    retireCoordinator: (stuck) => stuckCoordinator.retire(stuck),
    getLease: (key) => leaseViews.getLease(key),
    roleHolder: (role) => leaseViews.roleHolder(role),
    listPartitionLeases: (filter, page) => leaseViews.listPartitionLeases(filter, page),
    countPartitions: () => leaseViews.countPartitions(),
    listRoleLeases: (page) => leaseViews.listRoleLeases(page),
    leaseHistory: (key, limit) => leaseViews.leaseHistory(key, limit),
    readPlanningInput: () => assignments.readPlanningInput(),
    writeAssignment: (fence, moves, options) => assignments.writeAssignment(fence, moves, options),
    assignmentRewritten: (moves) => assignments.assignmentRewritten(moves),
    readRebalance: () => rebalance.readRebalance(),
    setPaused: (paused) => rebalance.setPaused(paused),
    requestApply: () => rebalance.requestApply(),
    getAssignment: (topic, partition) => assignments.getAssignment(topic, partition),
    assign: (topic, partition, to, expectedEpoch) =>
      operatorMoves.assign(topic, partition, to, expectedEpoch),
    readTargets: (keys) => assignments.readTargets(keys),
    assignmentGeneration: () => assignments.assignmentGeneration(),
    readAssignment: (agentId) => assignments.readAssignment(agentId),
    currentEra,
    ping: async () => {
      await currentEra();
    },
    [Symbol.asyncDispose]: () => backend.close(),
  };
}
