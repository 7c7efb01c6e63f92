// What an operator may say of an agent.
import type { AgentAnswer } from '../../http/schemas/answers/agents.ts';
import { cordonQuestion, drainQuestion, uncordonQuestion } from '../changes.ts';
import { useDesk } from '../desk.ts';
import { ChangeButton } from './change-button.tsx';

export function AgentButtons({ agent }: { readonly agent: AgentAnswer }) {
  const { api } = useDesk();
  const { agentId, placement } = agent;
  return (
    <span class="buttons">
      <ChangeButton
        text="Cordon"
        label={`Cordon ${agentId}`}
        question={() => cordonQuestion(api, agent)}
        isDisabled={placement === 'cordoned'}
      />
      <ChangeButton
        text="Uncordon"
        label={`Uncordon ${agentId}`}
        question={() => uncordonQuestion(api, agent)}
        isDisabled={placement === 'open'}
      />
      <ChangeButton
        text="Drain"
        label={`Drain ${agentId}`}
        question={() => drainQuestion(api, agent)}
        isDisabled={placement === 'draining'}
      />
    </span>
  );
}
