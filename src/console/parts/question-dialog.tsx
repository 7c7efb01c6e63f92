// Asks before a change is made, makes it, and says what happened.
import { useState } from 'preact/hooks';
import { isOutcomeUnknown, sentenceOf } from '../model/problem.ts';
import { type Question, useDesk } from '../desk.ts';
import { useStore } from '../hooks.ts';
import { Dialog } from './dialog.tsx';

export function QuestionDialog() {
  const { question } = useDesk();
  const asked = useStore(question);
  return asked === undefined ? null : <Asked key={asked.title} asked={asked} />;
}

function Asked({ asked }: { readonly asked: Question }) {
  const { question, said, live, api } = useDesk();
  const { readsOnly } = useStore(api.keyring.access);
  const [choice, setChoice] = useState(asked.choice?.options[0]?.value ?? '');
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string>();
  const close = (): void => question.set(undefined);
  const go = async (): Promise<void> => {
    setBusy(true);
    setFailure(undefined);
    try {
      said.set(await asked.run(choice));
      close();
    } catch (error) {
      const outcome = isOutcomeUnknown(error) ? 'It is not known whether it was done' : 'Not done';
      setFailure(`${outcome}: ${sentenceOf(error)}.`);
      setBusy(false);
    }
    live.ring();
  };
  return (
    <Dialog title={asked.title} onCancel={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void go();
        }}
      >
        {asked.sentences.map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
        {asked.choice !== undefined && (
          <label>
            <span>{asked.choice.label}</span>
            <select value={choice} onChange={({ currentTarget }) => setChoice(currentTarget.value)}>
              {asked.choice.options.map(({ value, text }) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
            </select>
          </label>
        )}
        {failure !== undefined && (
          <p role="alert" class="failure">
            {failure}
          </p>
        )}
        <div class="dialog-buttons">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={isBusy || readsOnly}>
            {asked.verb}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
