// What the page shows, and how old it is.
import { durationText } from '../model/times.ts';
import { useDesk } from '../desk.ts';
import { useStore } from '../hooks.ts';
import { useAge } from './freshness.tsx';

const streams = {
  off: 'events are not followed',
  connecting: 'connecting to the events',
  open: 'events are followed',
  cut: 'the events are cut off',
};

export function Footer() {
  const { live } = useDesk();
  const { status } = useStore(live.cluster);
  const { stream } = useStore(live.connection);
  const age = useAge();
  return (
    <footer>
      <p>
        {status === undefined || age === undefined
          ? 'Nothing was read yet.'
          : `As agent ${status.value.agent.agentId} reads it from the store, ${durationText(age.ms)} ago; ${streams[stream]}. Time left of sessions is counted down here and may lag behind by the time of a read.`}
      </p>
      <p>
        <a href="openapi.json">openapi.json</a> · <a href="metrics">metrics</a>
        {status !== undefined && ` · version ${status.value.version}`}
      </p>
    </footer>
  );
}
