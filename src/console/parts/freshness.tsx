// Says plainly when what is shown is old, and why.
import type { ComponentChildren } from 'preact';
import { durationText } from '../model/times.ts';
import { useDesk } from '../desk.ts';
import { useNow, useStore } from '../hooks.ts';

/** Reads come every second; those of a large cluster's leases less often, so that they cost the store little. */
const oldAfterMs = { counts: 4_500, leases: 12_000 };

export interface Age {
  /** Of the oldest part. */
  readonly ms: number;
  readonly isOld: boolean;
}

/** How old the picture is; undefined before there is one. */
export function useAge(): Age | undefined {
  const { live } = useDesk();
  const { status, leasesAskedAtMs } = useStore(live.cluster);
  const nowMs = useNow(500);
  if (status === undefined) return undefined;
  const countsMs = nowMs - status.askedAtMs;
  const leasesMs = leasesAskedAtMs === undefined ? 0 : nowMs - leasesAskedAtMs;
  return {
    ms: Math.max(0, countsMs, leasesMs),
    isOld: countsMs > oldAfterMs.counts || leasesMs > oldAfterMs.leases,
  };
}

export function StaleNotice() {
  const { live } = useDesk();
  const { failure } = useStore(live.connection);
  const age = useAge();
  const isShown = age?.isOld === true || failure !== undefined;
  return (
    <div role="status" class={isShown ? 'notice stale' : 'notice'}>
      {isShown && <StaleSentence ageMs={age?.ms} failure={failure} />}
    </div>
  );
}

interface StaleSentenceProps {
  readonly ageMs: number | undefined;
  readonly failure: string | undefined;
}

function StaleSentence({ ageMs, failure }: StaleSentenceProps) {
  const why = failure === undefined ? '' : `: ${failure}`;
  if (ageMs === undefined) return <span>Nothing could be read yet{why}. It is tried again.</span>;
  return (
    <span>
      <strong>as of {durationText(calm(ageMs))} ago</strong>
      {why}. It is tried again.
    </span>
  );
}

/** In steps, so that a screen reader is not told every second. */
function calm(ms: number): number {
  const stepMs = ms < 10_000 ? 1_000 : 5_000;
  return Math.floor(ms / stepMs) * stepMs;
}

/** Of a part that is read by itself. */
export function ReadFailure({
  failure,
  children,
}: {
  readonly failure: string | undefined;
  readonly children?: ComponentChildren;
}) {
  if (failure === undefined) return null;
  return (
    <p class="failure" role="status">
      Not up to date: {failure}. {children}
    </p>
  );
}
