// What is run and how large, from the command line.
import { parsed, UsageError, wholeNumber } from '../../test/support/command-line.ts';

/**
 * `whole`: start, steady state, a kill -9 of one agent and of one zone, a rolling restart. `steady`: start and steady state.
 * `takeover`: start, and kill -9 of one agent.
 */
export const scenarios = ['whole', 'steady', 'takeover'] as const;
export type Scenario = (typeof scenarios)[number];

export interface ScaleOptions {
  readonly scenario: Scenario;
  readonly agents: number;
  readonly partitions: number;
  readonly topics: number;
  readonly zones: number;
  /** That host the agents, beside the one of the agent that is killed alone. */
  readonly processes: number;
  /** Of the steady state. */
  readonly seconds: number;
  /** Between the last change and the steady state: what the change left behind comes to an end, and the server's counters are told. */
  readonly settleSeconds: number;
  readonly ttlMs: number;
  /** A part that takes longer is given up, and with it those after it. */
  readonly patienceSeconds: number;
  readonly json: boolean;
}

type Sizes = Omit<ScaleOptions, 'scenario' | 'settleSeconds' | 'patienceSeconds' | 'json'>;

/** The goals of the project: what each scenario is run at when nothing else is said. */
const goals: Readonly<Record<Scenario, Sizes>> = {
  whole: {
    agents: 1_000,
    partitions: 100_000,
    topics: 100,
    zones: 3,
    processes: 12,
    seconds: 60,
    ttlMs: 10_000,
  },
  steady: {
    agents: 100,
    partitions: 10_000,
    topics: 10,
    zones: 3,
    processes: 3,
    seconds: 60,
    ttlMs: 10_000,
  },
  takeover: {
    agents: 3,
    partitions: 30_000,
    topics: 10,
    zones: 1,
    processes: 2,
    seconds: 0,
    ttlMs: 10_000,
  },
};

export const usage = `npm run bench:scale -- [--scenario ${scenarios.join('|')}] [--agents N] [--partitions N] [--topics N]
  [--zones N] [--processes N] [--seconds N] [--settle N] [--ttl MS] [--patience N] [--json]
  whole (if not said): start, steady state, one agent and one zone killed, a rolling restart; steady: start and steady state;
  takeover: start, and one agent killed. A part that takes more than the patience (1,800 s) ends the run. Sizes that are not said are those of the goals (docs/scale.md)`;

/** Throws UsageError. */
export function scaleOptions(args: readonly string[]): ScaleOptions {
  const size = { type: 'string' } as const;
  const { values } = parsed({
    args: [...args],
    options: {
      scenario: { type: 'string', default: 'whole' },
      agents: size,
      partitions: size,
      topics: size,
      zones: size,
      processes: size,
      seconds: size,
      settle: size,
      ttl: size,
      patience: size,
      json: { type: 'boolean', default: false },
    },
  });
  const scenario = scenarios.find((known) => known === values.scenario);
  if (scenario === undefined)
    throw new UsageError(`--scenario is one of ${scenarios.join(', ')}, not "${values.scenario}"`);
  const goal = goals[scenario];
  const whole = (name: string, given: string | undefined, otherwise: number, least = 1): number =>
    given === undefined ? otherwise : wholeNumber(name, given, least);
  const agents = whole('agents', values.agents, goal.agents, 2);
  const zones = Math.min(whole('zones', values.zones, goal.zones), agents - 1);
  const processes = Math.min(whole('processes', values.processes, goal.processes), agents - 1);
  const partitions = whole('partitions', values.partitions, goal.partitions);
  return {
    scenario,
    agents,
    partitions,
    topics: Math.min(whole('topics', values.topics, goal.topics), partitions),
    zones,
    // A zone that is killed is some processes, whole.
    processes: Math.ceil(processes / zones) * zones,
    seconds: whole('seconds', values.seconds, goal.seconds, 0),
    settleSeconds: whole('settle', values.settle, 12, 0),
    ttlMs: whole('ttl', values.ttl, goal.ttlMs),
    patienceSeconds: whole('patience', values.patience, 1_800),
    json: values.json,
  };
}
