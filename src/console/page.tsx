// The whole page: its frame, the view that the address names, and the dialogs above it.
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { type Route, routeOf } from './model/route.ts';
import { type Desk, DeskProvider, useDesk } from './desk.ts';
import { useStore } from './hooks.ts';
import { Footer } from './parts/footer.tsx';
import { StaleNotice, useAge } from './parts/freshness.tsx';
import { Header } from './parts/header.tsx';
import { QuestionDialog } from './parts/question-dialog.tsx';
import { TokenDialog } from './parts/token-dialog.tsx';
import { Agent } from './views/agent.tsx';
import { Agents } from './views/agents.tsx';
import { Events } from './views/events.tsx';
import { Group } from './views/group.tsx';
import { Groups } from './views/groups.tsx';
import { Overview } from './views/overview.tsx';
import { Topic } from './views/topic.tsx';
import { Topics } from './views/topics.tsx';

export function Page({ desk }: { readonly desk: Desk }) {
  return (
    <DeskProvider value={desk}>
      <Frame />
    </DeskProvider>
  );
}

function Frame() {
  const route = useRoute();
  const { live } = useDesk();
  const group = useStore(live.cluster).status?.value.group;
  useEffect(() => {
    document.title = group === undefined ? 'StreamHouse' : `${group} · StreamHouse`;
  }, [group]);
  const token = useTokenDialog();
  const age = useAge();
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          // The address names the view: it must not be left for the skip.
          event.preventDefault();
          document.querySelector<HTMLElement>('#main')?.focus();
        }}
      >
        Skip to the content
      </a>
      <Header view={route.view} onToken={token.open} />
      <StaleNotice />
      <ReadsOnly />
      <Said />
      <main id="main" tabIndex={-1} class={age?.isOld === true ? 'is-old' : undefined}>
        <View route={route} />
      </main>
      <Footer />
      <QuestionDialog />
      {token.isOpen && <TokenDialog onClose={token.close} />}
    </>
  );
}

function View({ route }: { readonly route: Route }): VNode {
  switch (route.view) {
    case 'overview':
      return <Overview />;
    case 'agents':
      return <Agents />;
    case 'agent':
      return <Agent key={route.agentId} agentId={route.agentId} />;
    case 'topics':
      return <Topics />;
    case 'topic':
      return <Topic key={route.topic} topic={route.topic} partition={route.partition} />;
    case 'groups':
      return <Groups />;
    case 'group':
      return <Group key={route.group} group={route.group} />;
    case 'events':
      return <Events />;
    case 'unknown':
    default:
      return (
        <>
          <h2>Not found</h2>
          <p class="breakable">
            There is no view at “{route.address}”. <a href="#/">Overview</a>
          </p>
        </>
      );
  }
}

function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = (): void => setHash(location.hash);
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return routeOf(hash);
}

/** Opens by itself whenever the agent asks for a token, unless the user has closed it since. */
function useTokenDialog() {
  const { api } = useDesk();
  const access = useStore(api.keyring.access);
  const [wanted, setWanted] = useState(false);
  const [closedAt, setClosedAt] = useState<object>();
  return {
    isOpen: wanted || (access.token === 'needed' && closedAt !== access),
    open: () => setWanted(true),
    close: () => {
      setWanted(false);
      setClosedAt(access);
    },
  };
}

function ReadsOnly() {
  const { api } = useDesk();
  const { readsOnly, token } = useStore(api.keyring.access);
  return (
    <div role="status" class={readsOnly || token === 'needed' ? 'notice stale' : 'notice'}>
      {token === 'needed' && 'This agent asks for a token; nothing is read until one is given.'}
      {readsOnly &&
        'A change was refused: what this page has may only read. Give another token to change something.'}
    </div>
  );
}

function Said() {
  const { said } = useDesk();
  const sentence = useStore(said);
  return (
    <div role="status" class={sentence === undefined ? 'notice' : 'notice said'}>
      {sentence !== undefined && (
        <>
          <span>{sentence}</span>{' '}
          <button
            type="button"
            class="small"
            aria-label="Dismiss the message"
            onClick={() => said.set(undefined)}
          >
            Dismiss
          </button>
        </>
      )}
    </div>
  );
}
