// Light or dark: as the system says until the user says otherwise, for as long as the page is open.
import { Store } from './model/store.ts';

export type Theme = 'system' | 'light' | 'dark';

export const theme = new Store<Theme>('system');
const prefersDark = matchMedia('(prefers-color-scheme: dark)');
/** What is shown; for what is not drawn by the style sheet. */
export const isDark = new Store(prefersDark.matches);

const next: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };

/** Begins with what differs from what is shown. */
export function nextTheme(): void {
  const now = theme.value;
  theme.set(now === 'system' ? (isDark.value ? 'light' : 'dark') : next[now]);
  follow();
}

function follow(): void {
  document.documentElement.dataset['theme'] = theme.value;
  isDark.set(theme.value === 'system' ? prefersDark.matches : theme.value === 'dark');
}

prefersDark.addEventListener('change', follow);
