// What must be true at every moment, and what must be true when the weather has been calm for long enough.
import { COORDINATOR, leaseKeyText } from '../../src/domain/lease.ts';
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import { type Ledger, Violation } from './ledger.ts';
import type { Member } from './member.ts';

const coordinatorRole = leaseKeyText(COORDINATOR);

/** Looked at whenever everything has come to rest: trust begins only with an event, and ends by itself. */
export class TrustClaims {
  private readonly ledger: Ledger;
  private readonly members: readonly Member[];
  private excused = 0;

  constructor(ledger: Ledger, members: readonly Member[]) {
    this.ledger = ledger;
    this.members = members;
  }

  /** How often an agent was seen to believe what was so no more, since its lock had been dropped unheard. */
  get believedInVain(): number {
    return this.excused;
  }

  /** Throws a Violation. */
  check(nowMs: number): void {
    const holders = new Map<string, string>();
    for (const { agentId, current } of this.members) {
      if (current === undefined || current.isOver) continue;
      const { trustedForMs, terms } = current.agent.held();
      if (trustedForMs === 0) continue;
      const { sessionId } = current.agent;
      if (current.link.losses.isExcused(nowMs) && (sessionId === null || !this.ledger.isLive(sessionId))) {
        this.excused += 1;
        continue;
      }
      for (const { key, epoch } of terms) this.trusted(leaseKeyText(key), epoch, agentId, sessionId, holders);
      if (current.agent.status().isCoordinator) this.coordinates(agentId, sessionId, holders);
    }
  }

  private trusted(
    lease: string,
    epoch: number,
    agentId: string,
    sessionId: string | null,
    holders: Map<string, string>,
  ): void {
    const now = this.ledger.lease(lease);
    // A deleted topic's leases are taken from who lives, and so is its name: what its holder has not heard yet, the fence says.
    if (now === undefined || (now.epoch > epoch && this.ledger.wasDeleted(lease, epoch))) return;
    const other = holders.get(lease);
    if (other !== undefined) {
      throw new Violation('one trusted holder', `${lease}: ${other} and ${agentId}`);
    }
    holders.set(lease, agentId);
    if (now.epoch !== epoch || now.sessionId !== sessionId) {
      throw new Violation(
        'trust ends before anybody else may begin',
        `${agentId} trusts ${lease} at ${epoch}, which is ${now.sessionId === sessionId ? 'its own' : (now.sessionId ?? 'vacant')} at ${now.epoch}`,
      );
    }
    if (sessionId !== null && !this.ledger.isLive(sessionId)) {
      throw new Violation(
        'trust ends before its session is ended',
        `${agentId} trusts ${lease} at ${epoch}, and its session has ended`,
      );
    }
  }

  private coordinates(agentId: string, sessionId: string | null, holders: Map<string, string>): void {
    const other = holders.get(coordinatorRole);
    if (other !== undefined) throw new Violation('one trusted coordinator', `${other} and ${agentId}`);
    holders.set(coordinatorRole, agentId);
    const now = this.ledger.lease(coordinatorRole);
    if (now?.sessionId !== sessionId) {
      throw new Violation('one trusted coordinator', `${agentId} trusts a role that is not its own`);
    }
  }
}

/** Every partition is led, by whom the plan names, who knows it. Throws a Violation. */
export async function checkConverged(
  store: MetadataStore,
  ledger: Ledger,
  members: readonly Member[],
): Promise<void> {
  const { items: agents } = await store.listAgents({ limit: 100 });
  const takers = agents.filter(({ state }) => state === 'active');
  const running = members.filter(({ current }) => current !== undefined);
  for (const { agentId, current } of running) {
    const state = current?.agent.status().state;
    if (state !== 'active') throw new Violation('who can serves again', `${agentId} is ${state}`);
  }
  if (takers.length === 0) return;
  const led = new Map<string, string>();
  for (const { agentId, current } of running) {
    for (const { key } of current?.agent.held().terms ?? []) led.set(leaseKeyText(key), agentId);
  }
  const input = await store.readPlanningInput();
  for (const { topic, partition, assignedTo } of input.partitions) {
    const lease = `${topic}/${partition}`;
    const leader = led.get(lease);
    led.delete(lease);
    if (leader === undefined) {
      const row = ledger.lease(lease);
      throw new Violation(
        'every partition is led again',
        `${lease} is assigned to ${assignedTo}, its lease is at ${row?.epoch} of ${row?.sessionId}`,
      );
    }
    if (leader !== assignedTo)
      throw new Violation(
        'leaders follow the plan',
        `${lease} is led by ${leader}, planned for ${assignedTo}`,
      );
  }
  const [orphan] = led.keys();
  if (orphan !== undefined) throw new Violation('nobody leads what there is not', orphan);
}
