// Says plainly when what is shown is old, and why.
import type { ComponentChildren } from 'preact';
import { durationText } from '../model/times.ts';
import { useDesk } from '../desk.ts';
import { useNow, useStore } from '../hooks.ts';

/** Reads come every second. */
const oldAfterMs = 3_500;

/** How old the oldest part of the picture is; undefined before there is one. */
export function useAge(): number | undefined {
  const { live } = useDesk();
  const { status, leasesAskedAtMs } = useStore(live.cluster);
  const nowMs = useNow(500);
  if (status === undefined) return undefined;
  // Leases of a large cluster are read less often, at most every so many seconds.
  const leasesMs = leasesAskedAtMs === undefined ? 0 : nowMs - leasesAskedAtMs - oldAfterMs;
  return Math.max(0, nowMs - status.askedAtMs, leasesMs);
}

export function isOld(ageMs: number | undefined): boolean {
  return ageMs !== undefined && ageMs > oldAfterMs;
}

export function StaleNotice() {
  const { live } = useDesk();
  const { failure } = useStore(live.connection);
  const ageMs = useAge();
  const isShown = isOld(ageMs) || failure !== undefined;
  return (
    <div role="status" class={isShown ? 'notice stale' : 'notice'}>
      {isShown && <StaleSentence ageMs={ageMs} failure={failure} />}
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
      <strong>as of {durationText(ageMs)} ago</strong>
      {why}. It is tried again.
    </span>
  );
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
