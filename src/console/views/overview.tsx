// The cluster at a glance: its facts, the map, moves in flight, and what happened last.
import { useMemo } from 'preact/hooks';
import type { StatusAnswer } from '../../http/schemas/answers/status.ts';
import { compareNames } from '../model/collation.ts';
import type { Cluster } from '../model/cluster.ts';
import { placeOf } from '../model/happenings.ts';
import { noLeases } from '../model/leases.ts';
import { addressOf } from '../model/route.ts';
import { durationText } from '../model/times.ts';
import type { Timeline } from '../model/timeline.ts';
import { useDesk } from '../desk.ts';
import { useStore } from '../hooks.ts';
import { EventList } from '../parts/event-list.tsx';
import { Drains } from '../parts/drains.tsx';
import { Since } from '../parts/moment.tsx';
import { Moves } from '../parts/moves.tsx';
import { PartitionMap } from '../parts/partition-map.tsx';
import { PartitionTable } from '../parts/partition-table.tsx';

const happeningsShown = 8;

export function Overview() {
  const { live } = useDesk();
  const cluster = useStore(live.cluster);
  const { stream } = useStore(live.connection);
  const { leases = noLeases } = cluster;
  const moving = useMoving(cluster);
  const agentIds = useAgentIds(cluster);
  return (
    <>
      <h2>Overview</h2>
      {cluster.status === undefined ? (
        <p>Reading the cluster …</p>
      ) : (
        <Facts status={cluster.status.value} isPaused={cluster.rebalance?.value.paused} stream={stream} />
      )}
      <Drains agents={cluster.agents?.value ?? []} />
      <section aria-labelledby="map-title">
        <h3 id="map-title">Who leads what</h3>
        <PartitionMap leases={leases} agentIds={agentIds} moving={moving} />
      </section>
      <div class="columns">
        <section aria-labelledby="moves-title">
          <h3 id="moves-title">Moves in flight</h3>
          <Moves />
        </section>
        <section aria-labelledby="events-title">
          <h3 id="events-title">Last events</h3>
          <EventList timeline={lastSeen(cluster.timeline)} />
          <p>
            <a href="#/events">All events</a>
          </p>
        </section>
      </div>
      <section aria-labelledby="partitions-title">
        <h3 id="partitions-title">All partitions</h3>
        <PartitionTable caption="Partitions" leases={leases.all} moving={moving} />
      </section>
    </>
  );
}

const nothingMoves: ReadonlyMap<string, string> = new Map();

/** By `topic/partition`: where to. The same object until it was read anew, and as long as nothing moves. */
export function useMoving({ rebalance }: Cluster): ReadonlyMap<string, string> {
  const moves = rebalance?.value.moving;
  return useMemo(
    () =>
      moves === undefined || moves.length === 0
        ? nothingMoves
        : new Map(moves.map((move) => [placeOf(move), move.to])),
    [moves],
  );
}

/** Those that may lead, and whoever leads; dead ones without anything are left to the view of agents. */
function useAgentIds({ agents, leases }: Cluster): readonly string[] {
  const ids = new Set(leases?.byAgent.keys());
  for (const { agentId, state } of agents?.value ?? []) if (state !== 'dead') ids.add(agentId);
  const key = JSON.stringify([...ids].sort(compareNames));
  return useMemo(() => JSON.parse(key), [key]);
}

/** What this agent says of itself is left to the view of events: there is much of it. */
function lastSeen(timeline: Timeline): Timeline {
  return timeline.filter(({ source }) => source === 'seen').slice(0, happeningsShown);
}

interface FactsProps {
  readonly status: StatusAnswer;
  readonly isPaused: boolean | undefined;
  readonly stream: 'off' | 'connecting' | 'open' | 'cut';
}

const connections = { off: 'not connected', connecting: 'connecting', open: 'live', cut: 'cut off' };

function Facts({ status, isPaused, stream }: FactsProps) {
  const { coordinator, era, partitions, agents, agent } = status;
  return (
    <dl class="facts">
      <div>
        <dt>Coordinator</dt>
        <dd>
          {coordinator === null ? (
            <span class="vacant">nobody</span>
          ) : (
            <>
              <a class="name" href={addressOf('agents', coordinator.agentId)}>
                {coordinator.agentId}
              </a>{' '}
              <small>
                epoch {coordinator.epoch}, for <Since time={coordinator.since} />
              </small>
            </>
          )}
        </dd>
      </div>
      <div>
        <dt>Partitions</dt>
        <dd>
          {partitions.led} led{' '}
          {partitions.unled > 0 ? (
            <span class="vacant">{partitions.unled} unled</span>
          ) : (
            <small>0 unled</small>
          )}{' '}
          <small>in {status.topics === 1 ? '1 topic' : `${status.topics} topics`}</small>
        </dd>
      </div>
      <div>
        <dt>Agents</dt>
        <dd>
          {agents.active} active <small>of {agents.total}</small>
        </dd>
      </div>
      <div>
        <dt>Balancing</dt>
        <dd>{isPaused === undefined ? '…' : isPaused ? 'paused' : 'on'}</dd>
      </div>
      <div>
        <dt>Store</dt>
        <dd>
          {status.backend} <small>era {era.number}</small>
          {era.quarantineRestMs > 0 && (
            <>
              {' '}
              <span class="vacant">quarantine, {durationText(era.quarantineRestMs)} left</span>
            </>
          )}
        </dd>
      </div>
      <div>
        <dt>This agent</dt>
        <dd>
          <a class="name" href={addressOf('agents', agent.agentId)}>
            {agent.agentId}
          </a>{' '}
          <small>
            {agent.state}, {connections[stream]}
          </small>
        </dd>
      </div>
      <div>
        <dt>Version</dt>
        <dd>{status.version}</dd>
      </div>
    </dl>
  );
}
