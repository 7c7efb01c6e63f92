// The live map: who leads what, a square per partition, by mouse and by keyboard. The table beside it has the same facts.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { LeaseAnswer } from '../../http/schemas/answers/leases.ts';
import { placeOf } from '../model/happenings.ts';
import type { LeaseTable } from '../model/leases.ts';
import { cornerOf, layMap, type MapPlace, type MapStep, placeAt, stepOn } from '../model/map-layout.ts';
import { addressOf } from '../model/route.ts';
import { useStore, useWidth } from '../hooks.ts';
import { isDark } from '../theme.ts';
import { drawMap } from './map-drawing.ts';
import { PartitionLine } from './partition-line.tsx';

export interface PartitionMapProps {
  readonly leases: LeaseTable;
  /** In the order of their bands. */
  readonly agentIds: readonly string[];
  /** By `topic/partition`: who it is assigned to, for those on their way. */
  readonly moving: ReadonlyMap<string, string>;
}

/** The square that is looked at, and whether keys led there. */
interface Cursor {
  readonly place: MapPlace | undefined;
  readonly isWalked: boolean;
}

const steps: Readonly<Record<string, MapStep>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
  Home: 'first',
  End: 'last',
};

/** Smaller squares for more partitions, px from one to the next. */
function pitchFor(partitions: number): number {
  if (partitions <= 300) return 18;
  return partitions <= 3_000 ? 13 : 10;
}

export function PartitionMap({ leases, agentIds, moving }: PartitionMapProps) {
  const dark = useStore(isDark);
  const [colourBy, setColourBy] = useState<'topic' | 'agent'>('topic');
  const [frame, width] = useWidth();
  const canvas = useRef<HTMLCanvasElement>(null);
  const frameOfCursor = useRef<HTMLSpanElement>(null);
  const [{ place, isWalked }, setCursor] = useState<Cursor>({ place: undefined, isWalked: false });
  const { layout, bands } = useMemo(() => {
    const leading = agentIds.map((agentId) => ({ agentId, leases: leases.byAgent.get(agentId) ?? [] }));
    const vacant = leases.vacant.length > 0 ? [{ agentId: null, leases: leases.vacant }] : [];
    const bands: readonly { agentId: string | null; leases: readonly LeaseAnswer[] }[] = [
      ...vacant,
      ...leading,
    ];
    const sizes = bands.map(({ agentId, leases }) => ({ agentId, count: leases.length }));
    return { bands, layout: layMap(sizes, width, pitchFor(leases.all.length)) };
  }, [leases, agentIds, width]);
  const hues = useMemo(() => {
    const names = colourBy === 'topic' ? [...leases.byTopic.keys()] : agentIds;
    return new Map(names.map((name, index) => [name, index]));
  }, [leases, agentIds, colourBy]);
  useEffect(() => {
    if (canvas.current === null || width === 0) return;
    performance.mark('draw map');
    drawMap(canvas.current, {
      layout,
      leases: bands.map((band) => band.leases),
      hueOf: (lease) => hues.get((colourBy === 'topic' ? lease.topic : lease.agentId) ?? '') ?? 0,
      isMoving: (lease) => moving.size > 0 && moving.has(placeOf(lease)),
      isDark: dark,
    });
    performance.measure('draw map', 'draw map');
    performance.clearMarks('draw map');
  }, [layout, bands, hues, colourBy, moving, dark, width]);

  const lease = place === undefined ? undefined : bands[place.band]?.leases[place.index];
  const corner = place === undefined || lease === undefined ? undefined : cornerOf(layout, place);
  const point = (event: MouseEvent): MapPlace | undefined => placeAt(layout, event.offsetX, event.offsetY);
  const open = (lease: LeaseAnswer | undefined): void => {
    if (lease !== undefined) location.hash = addressOf('topics', lease.topic, lease.partition);
  };
  const onKey = (event: KeyboardEvent): void => {
    const step = steps[event.key];
    if (step !== undefined) setCursor({ place: stepOn(layout, place, step), isWalked: true });
    else if (event.key === 'Enter') open(lease);
    else return;
    event.preventDefault();
  };
  useEffect(() => {
    // The mouse is where it is; only who walks by keys may leave what is seen.
    if (isWalked) frameOfCursor.current?.scrollIntoView({ block: 'nearest' });
  }, [place, isWalked]);
  return (
    <div class="map">
      <div class="map-tools">
        <label>
          Colour by{' '}
          <select
            value={colourBy}
            onChange={({ currentTarget }) => setColourBy(currentTarget.value === 'agent' ? 'agent' : 'topic')}
          >
            <option value="topic">topic</option>
            <option value="agent">agent</option>
          </select>
        </label>
        <span class="legend" aria-hidden="true">
          <span class="sign led" /> led <span class="sign vacant" /> nobody leads it{' '}
          <span class="sign moving" /> moving
        </span>
      </div>
      {/* As in a table that scrolls: the squares are walked by keys, on the canvas. */}
      <div class="map-frame">
        <div class="map-ground" ref={frame}>
          <canvas
            ref={canvas}
            role="application"
            tabIndex={0}
            aria-label={`Partitions by agent: ${leases.all.length} partitions, ${leases.vacant.length} without a leader. Arrow keys walk, Enter opens; the table Partitions has the same.`}
            onMouseMove={(event) => setCursor({ place: point(event), isWalked: false })}
            onClick={(event) => {
              const at = point(event);
              setCursor({ place: at, isWalked: false });
              open(at === undefined ? undefined : bands[at.band]?.leases[at.index]);
            }}
            onKeyDown={onKey}
          />
          {corner !== undefined && (
            <span
              class="map-cursor"
              ref={frameOfCursor}
              style={{
                left: `${corner.x - 2}px`,
                top: `${corner.y - 2}px`,
                width: `${layout.pitch + 2}px`,
                height: `${layout.pitch + 2}px`,
              }}
            />
          )}
        </div>
      </div>
      <p class="map-details" aria-live="polite">
        {lease === undefined ? (
          'Point at a square, or walk with the arrow keys.'
        ) : (
          <PartitionLine lease={lease} movesTo={moving.get(placeOf(lease))} />
        )}
      </p>
    </div>
  );
}
