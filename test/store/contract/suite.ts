// All of the contract, for one backend.
import { describe } from 'vitest';
import { acquireContract } from './acquire.ts';
import { agentContract } from './agents.ts';
import { appendContract } from './append.ts';
import { assignmentContract } from './assignments.ts';
import type { Backend } from './backend.ts';
import { consumerGroupContract } from './consumer-groups.ts';
import { contentionContract } from './contention.ts';
import { guardContract } from './guards.ts';
import { leaseViewContract } from './lease-views.ts';
import { migrationContract } from './migrations.ts';
import {
  findSegmentContract,
  highWatermarkContract,
  readLogContract,
  retentionContract,
} from './offsets-of-partitions.ts';
import { orphanedLeaseContract } from './orphaned-leases.ts';
import { pagingContract } from './paging.ts';
import { releaseContract } from './release.ts';
import { reapContract, sessionContract } from './sessions.ts';
import { operatorMoveContract } from './operator-moves.ts';
import { planningInputContract } from './planning-input.ts';
import { rebalanceContract } from './rebalance.ts';
import { placementContract, requestContract } from './steering.ts';
import { stuckCoordinatorContract } from './stuck-coordinator.ts';
import { topicContract } from './topics.ts';
import { valueContract } from './values.ts';

const contracts: Readonly<Record<string, (backend: Backend) => void>> = {
  schema: migrationContract,
  topics: topicContract,
  append: appendContract,
  'high watermark': highWatermarkContract,
  'finding segments': findSegmentContract,
  'a part of a log': readLogContract,
  retention: retentionContract,
  'consumer groups': consumerGroupContract,
  sessions: sessionContract,
  reaping: reapContract,
  agents: agentContract,
  acquire: acquireContract,
  release: releaseContract,
  'lease views': leaseViewContract,
  'leases of deleted topics': orphanedLeaseContract,
  assignment: assignmentContract,
  "the planner's input": planningInputContract,
  'what is asked of balancing': rebalanceContract,
  'what is said of agents': placementContract,
  'requests of operators': requestContract,
  'a stuck coordinator': stuckCoordinatorContract,
  "operators' moves": operatorMoveContract,
  paging: pagingContract,
  values: valueContract,
  'the database itself': guardContract,
  contention: contentionContract,
};

export function storeContract(backend: Backend): void {
  for (const [name, contract] of Object.entries(contracts)) {
    describe(name, () => {
      contract(backend);
    });
  }
}
