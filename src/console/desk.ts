// What every view needs: the live picture, the API, and the ways to ask the user and to tell the user.
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Api } from './model/api.ts';
import type { Live } from './model/live.ts';
import type { Store } from './model/store.ts';

/** A change that is asked for before it is made. */
export interface Question {
  readonly title: string;
  /** The verb on the button that does it. */
  readonly verb: string;
  /** What will happen, a sentence each. */
  readonly sentences: readonly string[];
  /** Something to choose from; the answer is given to `run`. */
  readonly choice?: {
    readonly label: string;
    readonly options: readonly { readonly value: string; readonly text: string }[];
  };
  /** Makes the change and says what happened. */
  readonly run: (choice: string) => Promise<string>;
}

export interface Desk {
  readonly api: Api;
  readonly live: Live;
  readonly question: Store<Question | undefined>;
  /** What was said last about a change. */
  readonly said: Store<string | undefined>;
}

const DeskContext = createContext<Desk | undefined>(undefined);
export const DeskProvider = DeskContext.Provider;

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (desk === undefined) throw new Error('a view stands outside of the page');
  return desk;
}
