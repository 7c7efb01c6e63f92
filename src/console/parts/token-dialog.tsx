// Asks for the token when the agent does. It stays in this page's memory until it is forgotten or the page is closed.
import { useState } from 'preact/hooks';
import { useDesk } from '../desk.ts';
import { useStore } from '../hooks.ts';
import { Dialog } from './dialog.tsx';

export interface TokenDialogProps {
  readonly onClose: () => void;
}

export function TokenDialog({ onClose }: TokenDialogProps) {
  const { api } = useDesk();
  const { isWrong } = useStore(api.keyring.access);
  const [token, setToken] = useState('');
  return (
    <Dialog title="Token needed" onCancel={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (token.trim() === '') return;
          api.keyring.use(token.trim());
          onClose();
        }}
      >
        <p>
          This agent asks for a token (API_TOKEN, or API_READ_TOKEN to look only). It is kept in this
          page&apos;s memory and nowhere else: a reload forgets it.
        </p>
        {isWrong && (
          <p role="alert" class="failure">
            The agent did not accept the token.
          </p>
        )}
        <label>
          <span>Token</span>
          <input
            type="password"
            autoComplete="off"
            spellcheck={false}
            value={token}
            onInput={({ currentTarget }) => setToken(currentTarget.value)}
          />
        </label>
        <div class="dialog-buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary">
            Use token
          </button>
        </div>
      </form>
    </Dialog>
  );
}
