// The console page: what the group does, live, in a browser. Served by the agent, as compiled; no other host is asked for anything.
import { render } from 'preact';
import { Keyring } from './model/access.ts';
import { Api } from './model/api.ts';
import { Live } from './model/live.ts';
import { Store } from './model/store.ts';
import type { Desk } from './desk.ts';
import { Page } from './page.tsx';

const api = new Api(new Keyring(), document.baseURI);
const live = new Live(api);
const desk: Desk = { api, live, question: new Store(undefined), said: new Store(undefined) };

/** A page that nobody sees asks for nothing: tabs are left open for days. */
function follow(): void {
  if (document.hidden) live.stop();
  else live.start();
}

document.addEventListener('visibilitychange', follow);
follow();

const place = document.querySelector('#page');
if (place !== null) render(<Page desk={desk} />, place);
