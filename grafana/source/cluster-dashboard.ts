// The cluster: who leads what, whether anything is at risk, what moves and why.
import { inAll, counted, named, ofCoordinator, quantile, within } from './expression.ts';
import { type Frame, type Row } from './frame.ts';
import { dashed, figure, graph, graphBothWays, table, toAgent, unit } from './panels.ts';

const group = 'group=~"$group"';

const atAGlance: Row = {
  title: 'At a glance',
  panels: [
    figure({
      title: 'Coordinators',
      means: 'Agents that say they coordinate, one in each group.',
      act: 'None: who leads goes on, but nobody takes over. More than one for longer than a scrape: two clusters under one name.',
      runbook: 'StreamHouseNoCoordinator',
      width: 4,
      queries: [{ expr: `sum by (group) (streamhouse_coordinator{${group}})`, legend: '{{group}}' }],
      steps: ['red', [1, 'green'], [2, 'red']],
    }),
    figure({
      title: 'Active agents',
      means: 'Agents that lead or may be given partitions, as the coordinator counts them.',
      act: 'Fewer than there are machines: see the table of agents, and `streamhouse agents list` for those that are not scraped.',
      runbook: 'StreamHouseAgentNotScraped',
      width: 4,
      queries: [{ expr: ofCoordinator(`streamhouse_agents{${group},state="active"}`), legend: '{{group}}' }],
      steps: ['red', [1, 'green']],
    }),
    figure({
      title: 'Partitions without a leader',
      means: 'Nobody can write to these. After a crash they are led again a TTL later.',
      act: 'Longer than that: `streamhouse leases list --unleased`, then `streamhouse explain` with one of them.',
      runbook: 'StreamHousePartitionsUnled',
      width: 4,
      queries: [
        { expr: ofCoordinator(`streamhouse_partitions{${group},state="unled"}`), legend: '{{group}}' },
      ],
      steps: ['green', [1, 'red']],
    }),
    figure({
      title: 'Least trust',
      means:
        'Of all agents with a session, the share of its trust that the worst one has left; heartbeats renew it to 100 %.',
      act: 'Below a quarter: that agent is about to stop its broker. Which one it is stands in the table of agents.',
      runbook: 'StreamHouseHeartbeatSlackLow',
      unit: 'percentunit',
      width: 4,
      queries: [
        {
          expr: `min by (group) (${named(
            '(streamhouse_session_trusted_seconds / streamhouse_session_trust_limit_seconds and on (job, instance) sum by (job, instance) (streamhouse_agent_state{state=~"active|broker_down|draining|suspended"}) == 1)',
            'group',
          )})`,
          legend: '{{group}}',
        },
      ],
      steps: ['red', [0.25, 'orange'], [0.5, 'green']],
      decimals: 0,
    }),
    figure({
      title: 'Balancing paused',
      means: 'Whether an operator has paused balancing. Takeover goes on all the same.',
      act: 'Paused and no maintenance under way: `streamhouse resume`.',
      runbook: 'StreamHouseMovesDoNotEnd',
      width: 4,
      queries: [{ expr: ofCoordinator(`streamhouse_paused{${group}}`), legend: '{{group}}' }],
      steps: ['green', [1, 'orange']],
      texts: { 0: 'no', 1: 'paused' },
    }),
    figure({
      title: 'Writes refused by the fence',
      means:
        'Writes under epochs that were over, in the time shown. A few at a takeover are the fence at work.',
      act: 'Steady: a broker that does not stop when it is told to. See them by agent below.',
      runbook: 'StreamHouseFencedWritesSteady',
      width: 4,
      queries: [
        { expr: `sum(${within(inAll('streamhouse_fenced_writes_total'), 'group')})`, legend: 'refused' },
      ],
      steps: ['green', [1, 'orange']],
      decimals: 0,
    }),
  ],
};

const who: Row = {
  title: 'Who',
  panels: [
    table({
      title: 'Agents',
      means:
        'Every agent that is scraped: its state, what it leads, and the share of its trust that is left.',
      act: 'Not `active`: `streamhouse status` on that machine says why. The name leads to the agent’s own dashboard.',
      runbook: 'StreamHouseStoreAway',
      width: 24,
      queries: [
        `max by (group, agent_id, state) (${named('(streamhouse_agent_state == 1)', 'group')})`,
        `max by (group, agent_id, zone) (streamhouse_agent_info{${group}})`,
        `sum by (group, agent_id) (${named('streamhouse_leases_held', 'group')})`,
        `min by (group, agent_id) (${named('(streamhouse_session_trusted_seconds / streamhouse_session_trust_limit_seconds)', 'group')})`,
        `max by (group, agent_id, version) (streamhouse_build_info * on (job, instance) group_left (agent_id, group) streamhouse_agent_info{${group}})`,
      ],
      columns: [
        { field: 'group', title: 'Group' },
        { field: 'agent_id', title: 'Agent', properties: [toAgent] },
        { field: 'zone', title: 'Zone' },
        { field: 'state', title: 'State' },
        { field: 'Value #C', title: 'Leads' },
        { field: 'Value #D', title: 'Trust left', properties: [unit('percentunit')] },
        { field: 'version', title: 'Version' },
      ],
    }),
    table({
      title: 'Coordinator',
      means: 'Who coordinates, and in which term: its epoch grows with each change.',
      act: 'Two lines of one group: believe the higher epoch, then read the runbook.',
      runbook: 'StreamHouseTwoCoordinators',
      width: 10,
      height: 6,
      queries: [
        `max by (group, agent_id) (${named('(streamhouse_coordinator_epoch and streamhouse_coordinator == 1)', 'group', 'agent_id')} and on (group) streamhouse_coordinator{${group}})`,
      ],
      columns: [
        { field: 'group', title: 'Group' },
        { field: 'agent_id', title: 'Agent', properties: [toAgent] },
        { field: 'Value', title: 'Epoch', properties: [unit('none')] },
      ],
    }),
    table({
      title: 'Alerts',
      means: 'Alerts of prometheus/rules that fire or wait to fire, as Prometheus has them.',
      act: 'Each has a section of its name in the runbook.',
      width: 14,
      height: 6,
      queries: [`ALERTS{alertname=~"StreamHouse.*",group=~"$group|"}`],
      columns: [
        {
          field: 'alertname',
          title: 'Alert',
          properties: [
            { id: 'links', value: [{ title: 'Runbook', url: '${runbook:raw}', targetBlank: true }] },
          ],
        },
        { field: 'alertstate', title: 'State' },
        { field: 'severity', title: 'Severity' },
        { field: 'group', title: 'Group' },
        { field: 'agent_id', title: 'Agent', properties: [toAgent] },
      ],
    }),
  ],
};

const members: Row = {
  title: 'Agents and partitions',
  panels: [
    graph({
      title: 'Agents by state',
      means: 'All agents of the group, those that are not scraped too, as the coordinator counts them.',
      act: '`expired` and `dead` are agents that failed, `broker_down` agents without their broker, `cordoned` and `draining` an operator’s word.',
      runbook: 'StreamHouseAgentFlapping',
      width: 12,
      look: 'stack',
      decimals: 0,
      queries: [
        {
          expr: `sum by (state) (${ofCoordinator(`streamhouse_agents{${group}}`, ['state'])})`,
          legend: '{{state}}',
        },
      ],
    }),
    graph({
      title: 'Partitions by state',
      means: 'Led, and without a leader; together all there are.',
      act: 'A dent of a TTL is a takeover. One that stays: `streamhouse explain` says what the partition waits for.',
      runbook: 'StreamHousePartitionsUnled',
      width: 12,
      look: 'stack',
      decimals: 0,
      queries: [
        {
          expr: `sum by (state) (${ofCoordinator(`streamhouse_partitions{${group}}`, ['state'])})`,
          legend: '{{state}}',
        },
      ],
    }),
    graph({
      title: 'Sessions at risk',
      means:
        'The least trust each agent had left between two points, as a share of what a heartbeat gives it. At 0 its broker must not write.',
      act: 'All low: the store is slow. One: its machine or its network.',
      runbook: 'StreamHouseHeartbeatSlackLow',
      unit: 'percentunit',
      max: 1,
      width: 12,
      queries: [
        {
          expr: named(
            '(min_over_time(streamhouse_session_trusted_seconds[$__rate_interval]) / streamhouse_session_trust_limit_seconds)',
            'group',
          ),
          legend: '{{agent_id}}',
        },
      ],
    }),
    graph({
      title: 'Partitions led by each agent',
      means: 'Leases that each agent holds and trusts, by its own word.',
      act: 'Far from the others: its weight, a pin, or a cordon. 0 while others have some: its state, and its broker’s.',
      width: 12,
      decimals: 0,
      queries: [{ expr: named('streamhouse_leases_held', 'group'), legend: '{{agent_id}}' }],
    }),
  ],
};

const failover = (by: readonly string[], window: (selector: string) => string) =>
  named(window('streamhouse_failover_duration_seconds_bucket'), 'group', by.join(', '));

const takeovers: Row = {
  title: 'Takeovers',
  panels: [
    figure({
      title: 'How long takeovers took',
      means:
        'Of the partitions taken over in the time shown: from the old leader’s last heartbeat to the new grant. About one TTL is right.',
      act: 'Above one and a half: the store stumbled, or there was no coordinator.',
      runbook: 'StreamHouseFailoverSlow',
      unit: 's',
      width: 6,
      height: 8,
      shows: 'both',
      none: 'none',
      queries: [0.5, 0.9, 0.99].map((q) => ({
        expr: quantile(q, failover(['group'], inAll)),
        legend: `${q * 100} %`,
      })),
      steps: ['blue'],
    }),
    graph({
      title: 'Partitions taken over',
      means: 'Partitions of failed agents that each agent began to lead.',
      act: 'Without a crash that you know of: see what died, and the sessions that were ended.',
      runbook: 'StreamHouseAgentFlapping',
      width: 6,
      look: 'bars',
      queries: [
        {
          expr: named(
            `sum without (cause) (${counted('streamhouse_failover_duration_seconds_count')})`,
            'group',
          ),
          legend: '{{agent_id}}',
        },
      ],
    }),
    graph({
      title: 'Silent sessions',
      means:
        'What became of attempts to end the session of a silent agent: `reaped`, or it was heard in the last moment (`alive`), or another was faster.',
      act: '`reaped` grows: agents die or stall. `alive` grows: heartbeats come late. `failed`: the store.',
      runbook: 'StreamHouseAgentFlapping',
      width: 6,
      look: 'bars',
      queries: [
        {
          expr: `sum by (result) (${within(counted('streamhouse_reaps_total'), 'group')})`,
          legend: '{{result}}',
        },
      ],
    }),
    graph({
      title: 'Leases lost',
      means: 'Leases that ended other than by the agent’s own release, by agent.',
      act: 'Grows for an agent that lives: it was frozen or cut off for longer than a TTL.',
      runbook: 'StreamHouseHeartbeatSlackLow',
      width: 6,
      look: 'bars',
      queries: [
        {
          expr: named(`sum without (reason) (${counted('streamhouse_leases_lost_total')})`, 'group'),
          legend: '{{agent_id}}',
        },
      ],
    }),
  ],
};

const balance: Row = {
  title: 'Moves and balance',
  panels: [
    graph({
      title: 'Moves to come',
      means:
        'Partitions led by another than the agent they are assigned to (`under_way`), and moves the plan holds back for now (`waiting`).',
      act: 'Stays above 0: handoffs do not end, or agents do not settle. `streamhouse rebalance status` names them.',
      runbook: 'StreamHouseMovesDoNotEnd',
      width: 8,
      decimals: 0,
      queries: [
        {
          expr: ofCoordinator(`streamhouse_moves_planned{${group}}`, ['state']),
          legend: '{{group}} {{state}}',
        },
      ],
    }),
    graph({
      title: 'Assignments changed, by reason',
      means: 'Partitions that a plan has given to another agent, or to their first, and why.',
      act: '`agent_crashed` and `agent_joined` in turn: an agent that flaps. `broker_down`: a broker that does. A balanced group is quiet.',
      runbook: 'StreamHouseMovesDoNotEnd',
      width: 8,
      look: 'bars',
      queries: [
        {
          expr: `sum by (reason) (${within(counted('streamhouse_moves_total{result="written"}'), 'group')})`,
          legend: '{{reason}}',
        },
      ],
    }),
    graph({
      title: 'Assignments changed, by result',
      means: '`written`, or `fenced`: planned by a coordinator whose term was over, and refused.',
      act: '`fenced` is harmless when rare. Often: coordinators come and go.',
      runbook: 'StreamHouseTwoCoordinators',
      width: 8,
      look: 'bars',
      queries: [
        {
          expr: `sum by (result) (${within(counted('streamhouse_moves_total'), 'group')})`,
          legend: '{{result}}',
        },
      ],
    }),
    graph({
      title: 'Assigned, and what is fair',
      means:
        'Partitions assigned to each agent, and (dashed) what is its by weight. Agents that take nothing new have no share.',
      act: 'Apart for long: a pause, pins, or topics that few agents list (`MANAGED_TOPICS`).',
      width: 8,
      queries: [
        {
          expr: ofCoordinator(`streamhouse_agent_partitions{${group}}`, ['agent_id']),
          legend: '{{agent_id}}',
        },
        {
          expr: ofCoordinator(`streamhouse_agent_share{${group}}`, ['agent_id']),
          legend: '{{agent_id}} (share)',
        },
      ],
      overrides: [{ regexp: '/ \\(share\\)$/', properties: [dashed] }],
    }),
    graphBothWays({
      title: 'More or less than fair',
      means: 'Partitions assigned to each agent less its share by weight.',
      act: 'Within one of 0 is balanced. Further off than `REBALANCE_THRESHOLD_PERCENT`: `streamhouse rebalance plan` says what would move.',
      runbook: 'StreamHouseMovesDoNotEnd',
      width: 8,
      queries: [
        {
          expr: `${ofCoordinator(`streamhouse_agent_partitions{${group}}`, ['agent_id'])} - ${ofCoordinator(`streamhouse_agent_share{${group}}`, ['agent_id'])}`,
          legend: '{{agent_id}}',
        },
      ],
    }),
    graph({
      title: 'Assignments written',
      means: 'Plans that changed something, by what asked for them.',
      act: 'Without joins, leaves or new topics there are none; see which reason it is.',
      runbook: 'StreamHouseMovesDoNotEnd',
      width: 8,
      look: 'bars',
      queries: [
        {
          expr: `sum by (reason) (${within(counted('streamhouse_rebalances_total'), 'group')})`,
          legend: '{{reason}}',
        },
      ],
    }),
  ],
};

const handoffs: Row = {
  title: 'Handoffs, fence, roles',
  panels: [
    graph({
      title: 'Handoffs under way',
      means: 'Partitions that brokers are asked to give up and have not acknowledged yet, by agent.',
      act: 'Does not return to 0: that broker does not acknowledge, and loses them when `HANDOFF_TIMEOUT_MS` is over.',
      runbook: 'StreamHouseHandoffTimedOut',
      width: 6,
      decimals: 0,
      queries: [{ expr: named('streamhouse_lease_handoffs', 'group'), legend: '{{agent_id}}' }],
    }),
    graph({
      title: 'Handoffs ended',
      means: 'Acknowledged by the broker, or taken from it after the time it had.',
      act: '`timed_out`: the broker’s log at that time says why it did not answer.',
      runbook: 'StreamHouseHandoffTimedOut',
      width: 6,
      look: 'bars',
      queries: [
        {
          expr: `sum by (result) (${within(counted('streamhouse_handoff_duration_seconds_count'), 'group')})`,
          legend: '{{result}}',
        },
      ],
    }),
    figure({
      title: 'How long handoffs took',
      means:
        'Nine of ten handoffs of the time shown took no longer, from asking the broker to the lease being free.',
      act: 'Near `HANDOFF_TIMEOUT_MS`: brokers have too much to finish, or do not hear that they are asked.',
      runbook: 'StreamHouseHandoffTimedOut',
      unit: 's',
      width: 6,
      height: 8,
      shows: 'both',
      none: 'none',
      queries: [
        {
          expr: quantile(0.9, within(inAll('streamhouse_handoff_duration_seconds_bucket'), 'group'), [
            'result',
          ]),
          legend: '{{result}}',
        },
      ],
      steps: ['blue'],
    }),
    graph({
      title: 'Writes refused by the fence',
      means: 'Writes under epochs that were over, by the agent they came through.',
      act: 'A few at a takeover are its proof. Steady: restart that broker, then find out why it did not stop.',
      runbook: 'StreamHouseFencedWritesSteady',
      width: 6,
      look: 'bars',
      queries: [
        {
          expr: named(counted('streamhouse_fenced_writes_total'), 'group'),
          legend: '{{agent_id}} {{operation}}',
        },
      ],
    }),
    graph({
      title: 'Roles',
      means: 'Candidacies beside all agents: those that lead their role, and those that wait for it.',
      act: 'Some wait and nobody leads: `streamhouse elections list`.',
      width: 12,
      decimals: 0,
      queries: [
        {
          expr: `sum by (state) (${within('streamhouse_election_candidacies', 'group')})`,
          legend: '{{state}}',
        },
      ],
    }),
    graph({
      title: 'Generation of the assignment',
      means: 'Grows by one with each assignment that is written.',
      act: 'Grows without end: something changes the assignment again and again; see the reasons above.',
      runbook: 'StreamHouseMovesDoNotEnd',
      unit: 'none',
      width: 12,
      queries: [{ expr: ofCoordinator(`streamhouse_assignment_generation{${group}}`), legend: '{{group}}' }],
    }),
  ],
};

export const clusterDashboard: Frame = {
  uid: 'streamhouse-cluster',
  title: 'StreamHouse cluster',
  description: 'Who leads what, whether anything is at risk, what moves and why.',
  rows: [atAGlance, who, members, takeovers, balance, handoffs],
};
