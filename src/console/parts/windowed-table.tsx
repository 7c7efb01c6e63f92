// A table of any length of which only the visible rows are in the document. Columns may be sorted by.
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { compareNames } from '../model/collation.ts';

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => ComponentChildren;
  /** What the column is sorted by; without it, it is not. */
  readonly order?: (a: T, b: T) => number;
  readonly isNumber?: boolean;
  /** The cell that names the row. */
  readonly isHeading?: boolean;
}

export interface WindowedTableProps<T> {
  readonly caption: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  readonly isMarked?: (row: T) => boolean;
  /** Shown instead of rows when there are none. */
  readonly empty: string;
}

interface Sorting {
  readonly column: number;
  readonly isDescending: boolean;
}

/** As the style sheet sets it, px. */
const rowHeight = 32;
const rowsBeyond = 12;

export function WindowedTable<T>({ caption, columns, rows, keyOf, isMarked, empty }: WindowedTableProps<T>) {
  const [sorting, setSorting] = useState<Sorting>();
  const sorted = useSorted(rows, columns, sorting);
  const frame = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 640 });
  useEffect(() => {
    const { current } = frame;
    if (current === null) return undefined;
    const look = (): void => setView({ top: current.scrollTop, height: current.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(current);
    current.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      current.removeEventListener('scroll', look);
    };
  }, []);
  const first = Math.max(0, Math.min(Math.floor(view.top / rowHeight), sorted.length) - rowsBeyond);
  const end = Math.min(sorted.length, Math.ceil((view.top + view.height) / rowHeight) + rowsBeyond);
  return (
    // A region that scrolls has to be reached by the keyboard.
    <div class="table-frame" ref={frame} role="region" aria-label={`${caption}, scrollable`} tabIndex={0}>
      <table class="windowed" aria-rowcount={sorted.length + 1}>
        <caption>{caption}</caption>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((column, index) => (
              <HeadCell
                key={column.title}
                column={column}
                direction={sorting?.column === index ? directionOf(sorting) : undefined}
                onSort={() => setSorting(nextSorting(sorting, index))}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          <Spacer key="above" rows={first} columns={columns.length} />
          {sorted.slice(first, end).map((row, offset) => (
            <tr
              key={keyOf(row)}
              aria-rowindex={first + offset + 2}
              class={isMarked?.(row) === true ? 'is-marked' : undefined}
            >
              {columns.map((column) => (
                <BodyCell key={column.title} column={column} row={row} />
              ))}
            </tr>
          ))}
          <Spacer key="below" rows={sorted.length - end} columns={columns.length} />
          {sorted.length === 0 && (
            <tr key="empty">
              <td colSpan={columns.length} class="empty">
                {empty}
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

function useSorted<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  sorting: Sorting | undefined,
): readonly T[] {
  // Columns are made anew with each drawing, yet order alike.
  return useMemo(() => {
    const order = sorting === undefined ? undefined : columns[sorting.column]?.order;
    if (order === undefined) return rows;
    return rows.toSorted((a, b) => (sorting?.isDescending === true ? order(b, a) : order(a, b)));
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [rows, sorting]);
}

function directionOf({ isDescending }: Sorting): 'ascending' | 'descending' {
  return isDescending ? 'descending' : 'ascending';
}

/** Up, down, and back to the order that it came in. */
function nextSorting(sorting: Sorting | undefined, column: number): Sorting | undefined {
  if (sorting?.column !== column) return { column, isDescending: false };
  return sorting.isDescending ? undefined : { column, isDescending: true };
}

interface HeadCellProps<T> {
  readonly column: Column<T>;
  readonly direction: 'ascending' | 'descending' | undefined;
  readonly onSort: () => void;
}

function HeadCell<T>({ column, direction, onSort }: HeadCellProps<T>) {
  const kind = column.isNumber === true ? 'number' : undefined;
  if (column.order === undefined) {
    return (
      <th scope="col" class={kind}>
        {column.title}
      </th>
    );
  }
  const sign = direction === undefined ? '↕' : direction === 'ascending' ? '↑' : '↓';
  return (
    <th scope="col" class={kind} aria-sort={direction ?? 'none'}>
      <button type="button" class="sort" onClick={onSort}>
        {column.title} <span aria-hidden="true">{sign}</span>
      </button>
    </th>
  );
}

function BodyCell<T>({ column, row }: { readonly column: Column<T>; readonly row: T }) {
  const kind = column.isNumber === true ? 'number' : undefined;
  if (column.isHeading === true) {
    return (
      <th scope="row" class={kind}>
        {column.cell(row)}
      </th>
    );
  }
  return <td class={kind}>{column.cell(row)}</td>;
}

/** Stands for rows that are not in the document. */
function Spacer({ rows, columns }: { readonly rows: number; readonly columns: number }) {
  if (rows <= 0) return null;
  return (
    <tr aria-hidden="true" class="spacer">
      <td colSpan={columns} style={{ height: `${rows * rowHeight}px` }} />
    </tr>
  );
}

export function byText<T>(text: (row: T) => string): (a: T, b: T) => number {
  return (a, b) => compareNames(text(a), text(b));
}

export function byNumber<T>(number: (row: T) => number): (a: T, b: T) => number {
  return (a, b) => number(a) - number(b);
}
