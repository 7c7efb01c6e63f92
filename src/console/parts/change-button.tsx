// A button that asks for a change; not offered while what we have may read only.
import type { Question } from '../desk.ts';
import { useDesk } from '../desk.ts';
import { useStore } from '../hooks.ts';

export interface ChangeButtonProps {
  readonly text: string;
  /** With what it is about: `Drain broker-1`. */
  readonly label: string;
  readonly question: () => Question;
  readonly isDisabled?: boolean;
}

export function ChangeButton({ text, label, question, isDisabled = false }: ChangeButtonProps) {
  const desk = useDesk();
  const { readsOnly } = useStore(desk.api.keyring.access);
  return (
    <button
      type="button"
      class="small"
      aria-label={label}
      title={readsOnly ? 'The token that was given may only read' : label}
      disabled={isDisabled || readsOnly}
      onClick={() => desk.question.set(question())}
    >
      {text}
    </button>
  );
}
