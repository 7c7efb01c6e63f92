// What `top` shows, as plain values: the cluster as it was seen last, what has happened since the start, and what the person
// at the keyboard has chosen to see of it.
import type { AgentAnswer, LeaseAnswer, RebalanceAnswer, StatusAnswer } from '../answers.ts';

/** The cluster at one moment. */
export interface ClusterLook {
  /** When it was asked for, monotonic milliseconds: what counts down does so from here. */
  readonly askedAtMs: number;
  readonly status: StatusAnswer;
  readonly agents: readonly AgentAnswer[];
  readonly leases: readonly LeaseAnswer[];
  /** There are more leases than are looked at. */
  readonly hasMoreLeases: boolean;
  /** Undefined: the agent is of a version that does not tell. */
  readonly rebalance: RebalanceAnswer | undefined;
}

export interface Happening {
  /** Wall clock, milliseconds since 1970. */
  readonly atMs: number;
  readonly what: string;
}

export const paneNames = ['agents', 'partitions', 'events'] as const;
export type PaneName = (typeof paneNames)[number];

export interface PaneView {
  /** Index of the column that it is sorted by. */
  readonly sortedBy: number;
  readonly isReversed: boolean;
  /** Rows that are scrolled away at the top. */
  readonly scrolled: number;
}

export interface View {
  readonly focus: PaneName;
  readonly panes: Readonly<Record<PaneName, PaneView>>;
  /** Only rows that contain it are shown. */
  readonly filter: string;
  /** What is typed goes into the filter. */
  readonly isFiltering: boolean;
  /** What is shown stays as it is; looking goes on. */
  readonly isFrozen: boolean;
  readonly showsHelp: boolean;
}

export interface TopModel {
  readonly url: string;
  readonly look: ClusterLook;
  /** The newest first. */
  readonly happenings: readonly Happening[];
  /** Why the agent does not answer now. */
  readonly outage: string | undefined;
  /** Monotonic milliseconds. */
  readonly nowMs: number;
  /** Milliseconds since 1970. */
  readonly wallMs: number;
  readonly view: View;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

const firstPane: PaneView = { sortedBy: 0, isReversed: false, scrolled: 0 };

export const firstView: View = {
  focus: 'agents',
  panes: { agents: firstPane, partitions: firstPane, events: firstPane },
  filter: '',
  isFiltering: false,
  isFrozen: false,
  showsHelp: false,
};
