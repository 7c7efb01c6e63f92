// What a key does to what is shown.
import type { Key } from './keys.ts';
import { type PaneName, paneNames, type PaneView, type View } from './model.ts';

export interface PaneExtent {
  /** Rows that the pane has, the filter applied. */
  readonly rowCount: number;
  readonly columnCount: number;
  /** Rows that it shows at once. */
  readonly height: number;
}

export type Extents = Readonly<Record<PaneName, PaneExtent>>;

/** Null: the person leaves. */
export function pressed(view: View, key: Key, extents: Extents): View | null {
  if (key === 'interrupt') return null;
  if (view.isFiltering) return filtering(view, key);
  if (view.showsHelp) return { ...view, showsHelp: false };
  if (typeof key === 'object') return typed(view, key.typed, extents[view.focus]);
  if (key === 'tab') return { ...view, focus: neighbour(view.focus, 1) };
  if (key === 'backTab') return { ...view, focus: neighbour(view.focus, -1) };
  if (key === 'escape') return { ...view, filter: '' };
  return scroll(view, key, extents[view.focus]);
}

function filtering(view: View, key: Key): View {
  const toTop = { ...view, panes: allScrolledUp(view) };
  if (typeof key === 'object') return { ...toTop, filter: view.filter + key.typed };
  if (key === 'backspace') return { ...toTop, filter: Array.from(view.filter).slice(0, -1).join('') };
  if (key === 'enter') return { ...view, isFiltering: false };
  return key === 'escape' ? { ...toTop, filter: '', isFiltering: false } : view;
}

function typed(view: View, text: string, { columnCount }: PaneExtent): View | null {
  const pane = view.panes[view.focus];
  switch (text) {
    case 'q':
      return null;
    case '?':
    case 'h':
      return { ...view, showsHelp: true };
    case '/':
      return { ...view, isFiltering: true };
    case 'p':
    case ' ':
      return { ...view, isFrozen: !view.isFrozen };
    case 's':
      return withPane(view, { ...pane, sortedBy: (pane.sortedBy + 1) % columnCount, scrolled: 0 });
    case 'S':
      return withPane(view, {
        ...pane,
        sortedBy: (pane.sortedBy + columnCount - 1) % columnCount,
        scrolled: 0,
      });
    case 'r':
      return withPane(view, { ...pane, isReversed: !pane.isReversed, scrolled: 0 });
    case 'k':
      return withPane(view, { ...pane, scrolled: Math.max(0, pane.scrolled - 1) });
    case 'j':
      return withPane(view, { ...pane, scrolled: pane.scrolled + 1 });
    default:
      return view;
  }
}

function scroll(view: View, key: Key, { rowCount, height }: PaneExtent): View {
  const pane = view.panes[view.focus];
  const page = Math.max(1, height);
  const steps: Partial<Record<string, number>> = {
    up: -1,
    down: 1,
    pageUp: -page,
    pageDown: page,
    home: -rowCount,
    end: rowCount,
  };
  const step = typeof key === 'string' ? steps[key] : undefined;
  return step === undefined ? view : withPane(view, { ...pane, scrolled: pane.scrolled + step });
}

/** Nothing is scrolled beyond its last page. */
export function withinExtents(view: View, extents: Extents): View {
  const within = (name: PaneName): PaneView => {
    const pane = view.panes[name];
    const { rowCount, height } = extents[name];
    return { ...pane, scrolled: Math.max(0, Math.min(pane.scrolled, rowCount - height)) };
  };
  return {
    ...view,
    panes: { agents: within('agents'), partitions: within('partitions'), events: within('events') },
  };
}

function allScrolledUp({ panes }: View): View['panes'] {
  const up = (pane: PaneView): PaneView => ({ ...pane, scrolled: 0 });
  return { agents: up(panes.agents), partitions: up(panes.partitions), events: up(panes.events) };
}

function withPane(view: View, pane: PaneView): View {
  return { ...view, panes: { ...view.panes, [view.focus]: pane } };
}

function neighbour(pane: PaneName, step: 1 | -1): PaneName {
  const index = paneNames.indexOf(pane) + step + paneNames.length;
  return paneNames[index % paneNames.length] ?? pane;
}
