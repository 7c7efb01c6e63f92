// An agent's state as a word with a sign; the colour says nothing that these do not.
import type { AgentAnswer } from '../../http/schemas/answers/agents.ts';

type State = AgentAnswer['state'];

const signs: Readonly<Record<State, string>> = {
  active: '●',
  cordoned: '◐',
  broker_down: '▲',
  draining: '▼',
  expired: '✕',
  dead: '○',
};

export function StateBadge({ state }: { readonly state: State }) {
  return (
    <span class={`badge is-${state}`}>
      <span aria-hidden="true">{signs[state]}</span> {state.replace('_', ' ')}
    </span>
  );
}
