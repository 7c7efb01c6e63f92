// Where on the map each partition is: per agent a band of small squares, as many beside each other as there is room for.

export interface MapBand {
  /** null: what nobody leads. */
  readonly agentId: string | null;
  readonly count: number;
}

export interface PlacedBand extends MapBand {
  readonly labelTop: number;
  /** Of its squares. */
  readonly top: number;
  readonly height: number;
}

export interface MapLayout {
  readonly bands: readonly PlacedBand[];
  /** Left of the squares, for names; 0 where there is no room: then they stand above. */
  readonly labelWidth: number;
  readonly columns: number;
  /** From one square to the next. */
  readonly pitch: number;
  readonly width: number;
  readonly height: number;
}

export interface MapPlace {
  readonly band: number;
  readonly index: number;
}

const bandGap = 6;
const bandHeightMin = 18;
const narrowBelow = 520;
const labelHeight = 18;

/** `pitch`: a square and the gap beside it, px. */
export function layMap(bands: readonly MapBand[], width: number, pitch: number): MapLayout {
  const isNarrow = width < narrowBelow;
  const labelWidth = isNarrow ? 0 : Math.round(Math.min(200, width * 0.22));
  const columns = Math.max(1, Math.floor((width - labelWidth) / pitch));
  let top = 0;
  const placed = bands.map((band) => {
    const height = Math.max(bandHeightMin, Math.ceil(band.count / columns) * pitch);
    const squaresTop = isNarrow ? top + labelHeight : top;
    const here = { ...band, labelTop: top, top: squaresTop, height };
    top = squaresTop + height + bandGap;
    return here;
  });
  return { bands: placed, labelWidth, columns, pitch, width, height: Math.max(0, top - bandGap) };
}

/** The square's left upper corner. */
export function cornerOf(layout: MapLayout, { band, index }: MapPlace): { x: number; y: number } {
  const { columns, pitch, labelWidth, bands } = layout;
  return {
    x: labelWidth + (index % columns) * pitch,
    y: (bands[band]?.top ?? 0) + Math.floor(index / columns) * pitch,
  };
}

export function placeAt(layout: MapLayout, x: number, y: number): MapPlace | undefined {
  const { bands, columns, pitch, labelWidth } = layout;
  const band = bands.findIndex(({ top, height }) => y >= top && y < top + height);
  const column = Math.floor((x - labelWidth) / pitch);
  if (band < 0 || column < 0 || column >= columns) return undefined;
  const index = Math.floor((y - (bands[band]?.top ?? 0)) / pitch) * columns + column;
  return index < (bands[band]?.count ?? 0) ? { band, index } : undefined;
}

export type MapStep = 'left' | 'right' | 'up' | 'down' | 'first' | 'last';

/** Where a step leads; where it was when there is nothing in that direction. */
export function stepOn(layout: MapLayout, from: MapPlace | undefined, step: MapStep): MapPlace | undefined {
  const filled = layout.bands.flatMap(({ count }, band) => (count > 0 ? [band] : []));
  const [firstBand, lastBand] = [filled[0], filled.at(-1)];
  if (firstBand === undefined || lastBand === undefined) return undefined;
  const countIn = (band: number): number => layout.bands[band]?.count ?? 0;
  if (from === undefined || step === 'first') return { band: firstBand, index: 0 };
  if (step === 'last') return { band: lastBand, index: countIn(lastBand) - 1 };
  const { band, index } = from;
  const next = filled.find((each) => each > band);
  const previous = filled.findLast((each) => each < band);
  const { columns } = layout;
  switch (step) {
    case 'right':
      if (index + 1 < countIn(band)) return { band, index: index + 1 };
      return next === undefined ? from : { band: next, index: 0 };
    case 'left':
      if (index > 0) return { band, index: index - 1 };
      return previous === undefined ? from : { band: previous, index: countIn(previous) - 1 };
    case 'down': {
      if (index + columns < countIn(band)) return { band, index: index + columns };
      const isOnLastLine = Math.floor(index / columns) === Math.floor((countIn(band) - 1) / columns);
      if (!isOnLastLine) return { band, index: countIn(band) - 1 };
      return next === undefined ? from : { band: next, index: Math.min(index % columns, countIn(next) - 1) };
    }
    case 'up':
    default: {
      if (index >= columns) return { band, index: index - columns };
      if (previous === undefined) return from;
      const lastLine = Math.floor((countIn(previous) - 1) / columns) * columns;
      return { band: previous, index: Math.min(lastLine + (index % columns), countIn(previous) - 1) };
    }
  }
}
