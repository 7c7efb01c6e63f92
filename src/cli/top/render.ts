// The screen of `top` as lines, from the model and the terminal's size alone.
import { printable } from '../printable.ts';
import type { PaneName, Size, TopModel } from './model.ts';
import { paneNames } from './model.ts';
import { type Pane, panesOf } from './panes.ts';
import type { Extents } from './view.ts';
import { ageText, clockText } from './words.ts';

export type LineStyle = 'plain' | 'title' | 'focused' | 'alert' | 'faint';

export interface Line {
  readonly text: string;
  readonly style: LineStyle;
}

/** What is smaller is told so. */
const smallest: Size = { columns: 24, rows: 6 };
/** Below it, only the pane in focus is shown. */
const rowsForAllPanes = 20;
const headRows = 3;
const footRows = 1;
/** Its title and its columns' headers. */
const paneHeadRows = 2;
/** Answers that are older are told to be. */
const staleAfterMs = 3_000;

/** As many lines as the terminal has rows, none longer than it is wide. */
export function render(model: TopModel, size: Size): readonly Line[] {
  if (size.columns < smallest.columns || size.rows < smallest.rows)
    return fit([line('too small; q quits')], size);
  if (model.view.showsHelp) return fit([...head(model), ...help.map((text) => line(text))], size);
  const panes = panesOf(model);
  const heights = heightsOf(panes, model.view.focus, size);
  const body = paneNames.flatMap((name) => paneLines(panes[name], heights[name], model.view.focus === name));
  const top = fit([...head(model), ...body], { ...size, rows: size.rows - footRows });
  return fit([...top, foot(model)], size);
}

/** How much each pane has and shows: what keys need to know. */
export function extentsOf(model: TopModel, size: Size): Extents {
  const panes = panesOf(model);
  const heights = heightsOf(panes, model.view.focus, size);
  const extent = (name: PaneName) => ({
    rowCount: panes[name].rowCount,
    columnCount: panes[name].columnCount,
    height: heights[name],
  });
  return { agents: extent('agents'), partitions: extent('partitions'), events: extent('events') };
}

/** Rows of data per pane; 0: it is not shown. Agents get what they need up to a third, events a fifth, partitions the rest. */
function heightsOf(
  panes: Readonly<Record<PaneName, Pane>>,
  focus: PaneName,
  { rows }: Size,
): Record<PaneName, number> {
  const free = Math.max(0, rows - headRows - footRows);
  if (rows < rowsForAllPanes) {
    const alone = Math.max(0, free - paneHeadRows);
    return { agents: 0, partitions: 0, events: 0, [focus]: alone };
  }
  const data = free - paneNames.length * paneHeadRows;
  const agents = Math.min(Math.max(1, panes.agents.rowCount), Math.floor(data / 3));
  const events = Math.floor(data / (focus === 'events' ? 2 : 5));
  return { agents, events, partitions: data - agents - events };
}

function paneLines(pane: Pane, height: number, isFocused: boolean): Line[] {
  if (height === 0) return [];
  const [header = '', ...rows] = pane.lines(height);
  const filled = Array.from({ length: height }, (_, index) => line(rows[index] ?? ''));
  return [line(` ${pane.title} `, isFocused ? 'focused' : 'title'), line(header, 'title'), ...filled];
}

function head(model: TopModel): Line[] {
  const { look, wallMs, view } = model;
  const { status, rebalance } = look;
  const { coordinator, agents = {}, partitions } = status;
  const counts = Object.entries(agents ?? {})
    .filter(([, count]) => typeof count === 'number' && count > 0)
    .map(([state, count]) => `${count} ${state}`);
  const moving = rebalance?.partitions?.moving;
  const led = `${partitions?.total ?? '?'} partitions: ${partitions?.led ?? '?'} led, ${partitions?.unled ?? '?'} not led`;
  const flags = [
    ...(typeof moving === 'number' ? [`, ${moving} moving`] : []),
    ...(rebalance?.paused === true ? ['  PAUSED'] : []),
    ...(view.isFrozen ? ['  FROZEN'] : []),
  ];
  const leader = coordinator ? `${coordinator.agentId} (epoch ${coordinator.epoch ?? '?'})` : 'NOBODY';
  return [
    line(`${clockText(wallMs)}  group ${status.group}  coordinator ${leader}  ${model.url}`, 'title'),
    line(
      `agents: ${counts.join(', ') || 'none'}  ${led}${flags.join('')}`,
      partitions?.unled ? 'alert' : 'plain',
    ),
    notice(model),
  ];
}

/** What is wrong comes before what is typed. */
function notice({ outage, look, nowMs, view }: TopModel): Line {
  const ageMs = nowMs - look.askedAtMs;
  if (outage !== undefined) {
    return line(`unreachable, retrying (last answer ${ageText(ageMs)} ago): ${outage}`, 'alert');
  }
  if (view.isFiltering) return line(`/${view.filter}_`, 'focused');
  if (view.filter !== '') return line(`filter: ${view.filter}  (Esc clears it)`, 'focused');
  if (ageMs > staleAfterMs && !view.isFrozen) return line(`last answer ${ageText(ageMs)} ago`, 'alert');
  return line('');
}

function foot({ view }: TopModel): Line {
  const text = view.isFiltering
    ? 'type to filter  Enter keeps it  Esc clears it'
    : 'q quit  ? help  Tab pane  s sort  r reverse  / filter  p freeze  ↑↓ scroll';
  return line(text, 'faint');
}

const help: readonly string[] = [
  'q, Ctrl-C      quit',
  'Tab, Shift-Tab next pane, previous pane',
  's, S           sort the pane by its next column, by its previous one',
  'r              reverse the order',
  '/              filter all panes by what is typed; Enter keeps it, Esc clears it',
  'p, space       freeze what is shown, and go on',
  '↑ ↓ j k        scroll by a line',
  'PgUp PgDn      scroll by a page',
  'Home End       to the first, to the last',
  'Ctrl-Z         put it into the background; fg brings it back',
  '',
  'any key leaves this help',
];

function line(text: string, style: LineStyle = 'plain'): Line {
  return { text, style };
}

function fit(lines: readonly Line[], { columns, rows }: Size): readonly Line[] {
  return Array.from({ length: rows }, (_, index) => {
    const { text, style } = lines[index] ?? line('');
    return line(Array.from(printable(text)).slice(0, columns).join(''), style);
  });
}
