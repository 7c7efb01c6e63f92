// One agent: whether it may act and for how long, what it leads, who comes to its doors, and how its process does.
import { inAll, counted, quantile, rate, within } from './expression.ts';
import { type Frame, type Row } from './frame.ts';
import { figure, graph, table } from './panels.ts';

const its = (expression: string): string => within(expression, 'agent');

const now: Row = {
  title: 'Now',
  panels: [
    figure({
      title: 'State',
      means: 'What this agent is doing, by its own word.',
      act: 'Not `active`: `detail` in `GET /v1/status` says why. `starting` or `suspended` for long: look at the store.',
      runbook: 'StreamHouseStoreAway',
      width: 4,
      shows: 'name',
      queries: [{ expr: its('streamhouse_agent_state == 1'), legend: '{{state}}' }],
      steps: ['blue'],
    }),
    figure({
      title: 'Broker',
      means: 'What is known of the broker beside it.',
      act: '`down`: its partitions are handed over; start the broker. `none` where there is one: it does not attach.',
      width: 4,
      shows: 'name',
      queries: [{ expr: its('streamhouse_broker_state == 1'), legend: '{{state}}' }],
      steps: ['blue'],
    }),
    figure({
      title: 'Trust left',
      means: 'How long it may act without another heartbeat.',
      act: 'Near 0 again and again: its heartbeats are late.',
      runbook: 'StreamHouseHeartbeatSlackLow',
      unit: 's',
      width: 4,
      decimals: 1,
      queries: [{ expr: its('streamhouse_session_trusted_seconds'), legend: 'trusted' }],
      steps: ['red', [0.1, 'green']],
    }),
    figure({
      title: 'Coordinates',
      means: 'Whether it is the coordinator of its group.',
      act: 'Which agent is: the cluster’s dashboard.',
      runbook: 'StreamHouseNoCoordinator',
      width: 4,
      queries: [{ expr: its('streamhouse_coordinator'), legend: '{{group}}' }],
      steps: ['text', [1, 'blue']],
      texts: { 0: 'no', 1: 'yes' },
    }),
    figure({
      title: 'Running for',
      means: 'Since its process started.',
      act: 'Short, and nobody restarted it: its last lines before, and the exit code.',
      runbook: 'StreamHouseAgentFlapping',
      unit: 's',
      width: 4,
      queries: [{ expr: its('time() - process_start_time_seconds'), legend: 'running' }],
      steps: ['text'],
    }),
    figure({
      title: 'Version',
      means: 'The program’s version.',
      act: 'Another than the others’ for longer than an upgrade lasts: finish it.',
      width: 4,
      shows: 'name',
      queries: [{ expr: its('streamhouse_build_info'), legend: '{{version}} (Node {{node}})' }],
      steps: ['text'],
    }),
  ],
};

const session: Row = {
  title: 'Session',
  panels: [
    graph({
      title: 'Trust left',
      means:
        'How long it might act without another heartbeat (the least between two points), and what a heartbeat gives it.',
      act: 'At 0 the broker stops. Low: compare how long heartbeats take with the event loop’s lag.',
      runbook: 'StreamHouseHeartbeatSlackLow',
      unit: 's',
      width: 8,
      queries: [
        { expr: its('min_over_time(streamhouse_session_trusted_seconds[$__rate_interval])'), legend: 'left' },
        { expr: its('streamhouse_session_trust_limit_seconds'), legend: 'after a heartbeat' },
        { expr: its('streamhouse_session_ttl_seconds'), legend: 'TTL' },
      ],
    }),
    graph({
      title: 'Heartbeats',
      means: 'Heartbeats per second, by result.',
      act: '`failed`: the store, or the way to it. `lost`: the session was ended; the log says by whom.',
      runbook: 'StreamHouseStoreAway',
      unit: 'ops',
      width: 8,
      queries: [{ expr: its(rate('streamhouse_heartbeats_total')), legend: '{{result}}' }],
    }),
    graph({
      title: 'How long heartbeats take',
      means:
        'Round trips to the store that change one row: what half, nine of ten, and all but one in a hundred take at most.',
      act: 'Above a tenth of a second: the store is slow, and everything with it.',
      runbook: 'StreamHouseStoreSlow',
      unit: 's',
      width: 8,
      queries: [0.5, 0.9, 0.99].map((q) => ({
        expr: quantile(q, its(rate('streamhouse_heartbeat_duration_seconds_bucket'))),
        legend: `${q * 100} %`,
      })),
    }),
  ],
};

const leases: Row = {
  title: 'Leases',
  panels: [
    graph({
      title: 'Leases held, and handoffs under way',
      means: 'Partitions that it leads, and those its broker is asked to give up.',
      act: 'Handoffs that do not return to 0: the broker does not acknowledge.',
      runbook: 'StreamHouseHandoffTimedOut',
      width: 8,
      decimals: 0,
      queries: [
        { expr: its('streamhouse_leases_held'), legend: 'held' },
        { expr: its('streamhouse_lease_handoffs'), legend: 'handing off' },
      ],
    }),
    graph({
      title: 'Leases asked for',
      means: 'By outcome.',
      act: '`held` grows steadily: who holds them does not let go; see the handoffs there. `failed`: the store.',
      width: 8,
      look: 'bars',
      queries: [{ expr: its(counted('streamhouse_lease_acquisitions_total')), legend: '{{result}}' }],
    }),
    graph({
      title: 'Leases lost',
      means:
        'Leases that ended other than by its own release: its session ended without it, or it found them gone.',
      act: 'Look for pauses of this process, and for a slow store.',
      runbook: 'StreamHouseHeartbeatSlackLow',
      width: 8,
      look: 'bars',
      queries: [{ expr: its(counted('streamhouse_leases_lost_total')), legend: '{{reason}}' }],
    }),
    figure({
      title: 'How long handoffs took',
      means: 'Nine of ten handoffs of the time shown took no longer.',
      act: '`timed_out`: the broker did not acknowledge; its log says why.',
      runbook: 'StreamHouseHandoffTimedOut',
      unit: 's',
      width: 8,
      height: 8,
      shows: 'both',
      none: 'none',
      queries: [
        {
          expr: quantile(0.9, its(inAll('streamhouse_handoff_duration_seconds_bucket')), ['result']),
          legend: '{{result}}',
        },
      ],
      steps: ['blue'],
    }),
    graph({
      title: 'Writes refused by the fence',
      means: 'Writes of its broker under epochs that were over.',
      act: 'Steady: the broker goes on where it no longer leads. Restart it, then find out why.',
      runbook: 'StreamHouseFencedWritesSteady',
      width: 8,
      look: 'bars',
      queries: [{ expr: its(counted('streamhouse_fenced_writes_total')), legend: '{{operation}}' }],
    }),
    table({
      title: 'Epochs',
      means:
        'Each partition it leads, with its epoch. Only where the agent has `METRICS_PER_PARTITION=true`; at most 1,000 are shown.',
      act: 'Two agents show one partition for longer than two scrapes: believe the higher epoch.',
      runbook: 'StreamHouseTwoCoordinators',
      width: 8,
      queries: [its('streamhouse_lease_epoch')],
      columns: [
        { field: 'topic', title: 'Topic' },
        { field: 'partition', title: 'Partition' },
        { field: 'Value', title: 'Epoch', properties: [{ id: 'unit', value: 'none' }] },
      ],
    }),
  ],
};

const doors: Row = {
  title: 'Doors',
  panels: [
    graph({
      title: 'Event streams',
      means: 'Open streams: brokers’, which attach by them, and other readers’.',
      act: 'No `broker` where one should be attached: it does not reach its agent.',
      width: 8,
      decimals: 0,
      queries: [{ expr: its('streamhouse_event_streams'), legend: '{{kind}}' }],
    }),
    graph({
      title: 'Streams dropped, requests turned away',
      means:
        'Streams ended because their reader took nothing, and requests refused for their token, by reason.',
      act: 'Tokens: a client with an old one, or somebody guesses; the log names the address. Streams: a reader that hangs.',
      runbook: 'StreamHouseAuthenticationFailures',
      width: 8,
      look: 'bars',
      queries: [
        { expr: its(counted('streamhouse_event_streams_dropped_total')), legend: 'stream dropped' },
        { expr: its(counted('streamhouse_authentication_failures_total')), legend: '{{reason}}' },
      ],
    }),
    graph({
      title: 'Requests',
      means: 'Answered per second, by route.',
      act: 'Much more than usual: a client that asks in a loop instead of following the events.',
      unit: 'reqps',
      width: 8,
      queries: [
        {
          expr: `sum by (method, route) (${its(rate('streamhouse_http_requests_total'))})`,
          legend: '{{method}} {{route}}',
        },
      ],
    }),
    graph({
      title: 'Requests that failed',
      means:
        'Answers of 400 and above. 409 is an answer to live with (`fenced`, `lease_held`); 5xx is 503: the store did not answer, or there is no trust.',
      act: '5xx: the store, or the agent stops. 4xx that grow: a client that does something wrong; the access log has each.',
      runbook: 'StreamHouseStoreAway',
      width: 12,
      look: 'bars',
      queries: [
        {
          expr: `sum by (route, status) (${its(counted('streamhouse_http_requests_total{status=~"4xx|5xx"}'))})`,
          legend: '{{status}} {{route}}',
        },
      ],
    }),
    graph({
      title: 'How long requests take',
      means: 'Nine of ten take no longer, by route. Event streams are not timed.',
      act: 'All slow: the store. A campaign with `waitMs` waits by intent.',
      runbook: 'StreamHouseStoreSlow',
      unit: 's',
      width: 12,
      queries: [
        {
          expr: quantile(0.9, its(rate('streamhouse_http_request_duration_seconds_bucket')), ['route']),
          legend: '{{route}}',
        },
      ],
    }),
  ],
};

const store: Row = {
  title: 'The store as it sees it',
  panels: [
    graph({
      title: 'How long operations take',
      means: 'Nine of ten take no longer, by operation.',
      act: 'Slow here alone: this machine, or its way to the store. Slow everywhere: the store’s dashboard.',
      runbook: 'StreamHouseStoreSlow',
      unit: 's',
      width: 8,
      queries: [
        {
          expr: quantile(0.9, its(rate('streamhouse_store_operation_duration_seconds_bucket')), [
            'operation',
          ]),
          legend: '{{operation}}',
        },
      ],
    }),
    graph({
      title: 'Operations that failed',
      means: 'Without an answer from the store, by operation.',
      act: 'The log names the error. `streamhouse db doctor` with the agent’s environment tries all of it.',
      runbook: 'StreamHouseStoreAway',
      width: 8,
      look: 'bars',
      queries: [
        {
          expr: its(counted('streamhouse_store_operation_duration_seconds_count{result="failed"}')),
          legend: '{{operation}}',
        },
      ],
    }),
    graph({
      title: 'Reaches the store, hears signals',
      means: '1 while the last operation was answered, and while signals of other agents can arrive.',
      act: 'No signals while the store is up: LISTEN does not get through; set `DIRECT_DATABASE_URL` past the pooler.',
      runbook: 'StreamHouseListenerDeaf',
      max: 1,
      decimals: 0,
      width: 8,
      queries: [
        { expr: its('streamhouse_store_up'), legend: 'store' },
        { expr: its('streamhouse_signals_connected'), legend: 'signals' },
      ],
    }),
  ],
};

const process: Row = {
  title: 'Process',
  panels: [
    graph({
      title: 'Event loop lag',
      means: 'How late its timers ring: in the middle, the latest of a hundred, the latest of all.',
      act: 'Above 0.2 s heartbeats are as late. Give it processor time, or move a large cluster from SQLite to PostgreSQL.',
      runbook: 'StreamHouseEventLoopLag',
      unit: 's',
      width: 8,
      queries: [
        { expr: its('nodejs_eventloop_lag_p50_seconds'), legend: '50 %' },
        { expr: its('nodejs_eventloop_lag_p99_seconds'), legend: '99 %' },
        { expr: its('nodejs_eventloop_lag_max_seconds'), legend: 'max' },
      ],
    }),
    graph({
      title: 'Memory',
      means: 'Of the whole process, and of its heap.',
      act: 'Grows for days without the cluster growing: a leak; `streamhouse debug bundle` before a restart.',
      unit: 'bytes',
      width: 8,
      queries: [
        { expr: its('process_resident_memory_bytes'), legend: 'resident' },
        { expr: its('nodejs_heap_size_total_bytes'), legend: 'heap' },
        { expr: its('nodejs_heap_size_used_bytes'), legend: 'heap used' },
      ],
    }),
    graph({
      title: 'Processor',
      means: 'Time used per second; 100 % is one core.',
      act: 'Near the container’s limit: throttling, which shows as lag.',
      runbook: 'StreamHouseEventLoopLag',
      unit: 'percentunit',
      look: 'stack',
      width: 8,
      queries: [
        { expr: its(rate('process_cpu_user_seconds_total')), legend: 'user' },
        { expr: its(rate('process_cpu_system_seconds_total')), legend: 'system' },
      ],
    }),
    graph({
      title: 'Garbage collection',
      means: 'Time spent per second, by kind.',
      act: 'Above a few per cent: the heap is too small for what it holds.',
      runbook: 'StreamHouseEventLoopLag',
      unit: 'percentunit',
      look: 'stack',
      width: 12,
      queries: [{ expr: its(rate('nodejs_gc_duration_seconds_sum')), legend: '{{kind}}' }],
    }),
    graph({
      title: 'File descriptors',
      means: 'Open ones: connections, streams, files. Linux only.',
      act: 'Grows without end: clients that do not close. The limit is that of the process (`ulimit -n`).',
      width: 12,
      decimals: 0,
      queries: [{ expr: its('process_open_fds'), legend: 'open' }],
    }),
  ],
};

export const agentDashboard: Frame = {
  uid: 'streamhouse-agent',
  title: 'StreamHouse agent',
  description: 'One agent: whether it may act, what it leads, who comes to its doors, how its process does.',
  hasAgent: true,
  rows: [now, session, leases, doors, store, process],
};
