// Moves in flight, and the pause: what the assignment wants that is not so yet.
import { useEffect } from 'preact/hooks';
import { pauseQuestion } from '../changes.ts';
import { placeOf } from '../model/happenings.ts';
import { addressOf } from '../model/route.ts';
import { useDesk } from '../desk.ts';
import { useStore } from '../hooks.ts';
import { ChangeButton } from './change-button.tsx';
import { Since } from './moment.tsx';

const shownMax = 50;

/** Keeps the look at placement fresh while the view is there. */
export function usePlacement() {
  const { live } = useDesk();
  useEffect(() => live.watchPlacement(), [live]);
  return useStore(live.cluster).rebalance?.value;
}

export function Moves() {
  const { api } = useDesk();
  const rebalance = usePlacement();
  if (rebalance === undefined) return <p>Reading the assignment …</p>;
  const { partitions, moving, paused, pausedSince, wanted } = rebalance;
  return (
    <div>
      <p>
        {paused ? (
          <>
            <strong>Balancing is paused</strong> (for <Since time={pausedSince} />
            ).
          </>
        ) : (
          'Balancing is on.'
        )}{' '}
        {partitions.moving} moving, {wanted} more wanted, {partitions.pinned} pinned, {partitions.unassigned}{' '}
        that nobody would take.{' '}
        <ChangeButton
          text={paused ? 'Resume' : 'Pause'}
          label={paused ? 'Resume balancing' : 'Pause balancing'}
          question={() => pauseQuestion(api, paused)}
        />
      </p>
      {moving.length > 0 && (
        <ul class="moves" aria-label="Moves in flight">
          {moving.slice(0, shownMax).map((move) => (
            <li key={placeOf(move)}>
              <a class="name" href={addressOf('topics', move.topic, move.partition)}>
                {placeOf(move)}
              </a>
              : {move.from ?? 'nobody'} → {move.to}
            </li>
          ))}
          {partitions.moving > shownMax && <li>… and {partitions.moving - shownMax} more</li>}
        </ul>
      )}
    </div>
  );
}
