// The console page: what the group does, live, in a browser. Served by the agent, as compiled; no other host is asked for anything.
import { render } from 'preact';
import { Page } from './page.tsx';

const place = document.querySelector('#page');
if (place !== null) render(<Page />, place);
