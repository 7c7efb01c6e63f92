// The top of the page: where one is, how the cluster is, and ways around.
import type { Route } from '../model/route.ts';
import { useDesk } from '../desk.ts';
import { useStore } from '../hooks.ts';
import { nextTheme, theme } from '../theme.ts';

const places: readonly {
  readonly text: string;
  readonly href: string;
  readonly views: readonly Route['view'][];
}[] = [
  { text: 'Overview', href: '#/', views: ['overview'] },
  { text: 'Agents', href: '#/agents', views: ['agents', 'agent'] },
  { text: 'Topics', href: '#/topics', views: ['topics', 'topic'] },
  { text: 'Groups', href: '#/groups', views: ['groups', 'group'] },
  { text: 'Events', href: '#/events', views: ['events'] },
];

export function Header({ view, onToken }: { readonly view: Route['view']; readonly onToken: () => void }) {
  const { live, api } = useDesk();
  const { status } = useStore(live.cluster);
  const access = useStore(api.keyring.access);
  const shown = useStore(theme);
  return (
    <header>
      <div class="top">
        <h1>StreamHouse</h1>
        <nav aria-label="Views">
          <ul>
            {places.map(({ text, href, views }) => (
              <li key={text}>
                <a href={href} aria-current={views.includes(view) ? 'page' : undefined}>
                  {text}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <div class="tools">
          {status !== undefined && (
            <p class="whereabouts">
              group <strong class="name">{status.value.group}</strong>
            </p>
          )}
          {(access.token === 'needed' || access.readsOnly) && (
            <button type="button" onClick={onToken}>
              Give a token
            </button>
          )}
          {access.token === 'given' && (
            <button type="button" onClick={() => api.keyring.forget()}>
              Forget the token
            </button>
          )}
          <button type="button" onClick={nextTheme} title={`Theme: ${shown}`}>
            Theme
          </button>
        </div>
      </div>
    </header>
  );
}
