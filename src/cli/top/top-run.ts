// `top` while it runs: looks at the cluster again and again, and paints what keys have chosen of it.
import { systemClock } from '../../platform/clock.ts';
import { Scope } from '../../platform/scope.ts';
import type { Api } from '../api.ts';
import { CliFailure } from '../failure.ts';
import { happened } from './happenings.ts';
import type { Key } from './keys.ts';
import { lookAround } from './look.ts';
import { type ClusterLook, firstView, type Happening, type TopModel } from './model.ts';
import { extentsOf, render } from './render.ts';
import { Screen, type TerminalIn, type TerminalOut } from './screen.ts';
import { pressed, withinExtents } from './view.ts';

/** How often what counts down is painted, milliseconds. */
const paintMs = 200;
const happeningsMax = 1_000;

export interface TopOptions {
  readonly intervalMs: number;
  readonly signal: AbortSignal;
}

/** Until the person leaves, the terminal is gone or the signal aborts. Throws CliFailure when the first look fails. */
export async function runTop(
  api: Api,
  terminal: { readonly output: TerminalOut; readonly input: TerminalIn },
  { intervalMs, signal }: TopOptions,
): Promise<void> {
  const first = await lookAround(api);
  using scope = new Scope(signal);
  const run = new TopRun(api.within(scope.signal), first, terminal, () => scope.end());
  try {
    await Promise.all([run.keepLooking(intervalMs, scope.signal), run.keepPainting(scope.signal)]);
  } finally {
    run.screen[Symbol.dispose]();
  }
}

class TopRun {
  readonly screen: Screen;
  private readonly api: Api;
  private readonly leave: () => void;
  private latest: ClusterLook;
  private happenings: readonly Happening[] = [];
  private outage: string | undefined;
  private model: TopModel;

  constructor(
    api: Api,
    first: ClusterLook,
    { output, input }: { readonly output: TerminalOut; readonly input: TerminalIn },
    leave: () => void,
  ) {
    this.api = api;
    this.leave = leave;
    this.latest = first;
    this.model = {
      url: api.url,
      look: first,
      happenings: [],
      outage: undefined,
      nowMs: systemClock.monotonicMs(),
      wallMs: systemClock.wallMs(),
      view: firstView,
    };
    this.screen = new Screen(output, input, {
      onKey: (key) => this.press(key),
      // The first comes while the screen is made.
      onResize: () => queueMicrotask(() => this.paint()),
      onGone: leave,
    });
  }

  async keepLooking(intervalMs: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await systemClock.sleep(intervalMs, signal);
      if (!signal.aborted) await this.look(signal);
    }
  }

  async keepPainting(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.paint();
      await systemClock.sleep(paintMs, signal);
    }
  }

  private async look(signal: AbortSignal): Promise<void> {
    try {
      const look = await lookAround(this.api);
      if (this.outage !== undefined) this.note(['the agent answers again']);
      this.outage = undefined;
      this.note(happened(this.latest, look));
      this.latest = look;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof CliFailure)) throw error;
      if (this.outage === undefined) this.note(['the agent does not answer']);
      this.outage = error.message;
    }
  }

  private note(happenings: readonly string[]): void {
    const atMs = systemClock.wallMs();
    this.happenings = [...happenings.map((what) => ({ atMs, what })), ...this.happenings].slice(
      0,
      happeningsMax,
    );
  }

  private press(key: Key): void {
    if (key === 'suspend') return this.screen.suspend();
    const view = pressed(this.model.view, key, extentsOf(this.model, this.screen.size));
    if (view === null) return this.leave();
    this.model = { ...this.model, view };
    this.paint();
  }

  private paint(): void {
    const { view } = this.model;
    if (!view.isFrozen) {
      const { latest, happenings, outage } = this;
      const nowMs = systemClock.monotonicMs();
      const wallMs = systemClock.wallMs();
      this.model = { ...this.model, look: latest, happenings, outage, nowMs, wallMs };
    }
    const { size } = this.screen;
    this.model = { ...this.model, view: withinExtents(view, extentsOf(this.model, size)) };
    this.screen.paint(render(this.model, size));
  }
}
