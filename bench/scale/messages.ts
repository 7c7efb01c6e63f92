// What the bench asks the processes that host agents, and what they answer.
import type { Counts } from './statement-counts.ts';

export interface HostedAgent {
  readonly agentId: string;
  readonly zone: string;
}

export interface Hosting {
  readonly url: string;
  readonly schema: string;
  readonly ttlMs: number;
}

export type Question =
  | { readonly ask: 'start'; readonly hosting: Hosting; readonly agents: readonly HostedAgent[] }
  /** Gracefully: everything is handed over. */
  | { readonly ask: 'stop' }
  | { readonly ask: 'usage' };

export interface Usage {
  readonly pid: number;
  readonly statements: Counts;
  /** Of the process since it began, milliseconds. */
  readonly cpuMs: number;
  readonly rssBytes: number;
  /** Of the event loop since asked last, milliseconds. */
  readonly lag: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Agents that trust their session now. */
  readonly active: number;
  /** What agents logged as warnings and errors, by message. */
  readonly warnings: Counts;
}

export interface Asked {
  readonly id: number;
  readonly question: Question;
}

export interface Answered {
  readonly id: number;
  readonly usage?: Usage;
  readonly failure?: string;
}
