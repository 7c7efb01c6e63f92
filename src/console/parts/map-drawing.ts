// The map on its canvas: squares in bands, drawn whole whenever leases have changed, which takes a few milliseconds for 10,000.
import type { LeaseAnswer } from '../../http/schemas/answers/leases.ts';
import { cornerOf, type MapLayout } from '../model/map-layout.ts';

export interface MapPicture {
  readonly layout: MapLayout;
  /** Per band of the layout. */
  readonly leases: readonly (readonly LeaseAnswer[])[];
  /** A number per colour wanted; the same number, the same colour. */
  readonly hueOf: (lease: LeaseAnswer) => number;
  readonly isMoving: (lease: LeaseAnswer) => boolean;
  readonly isDark: boolean;
}

/** Told apart by people who see colours differently, too (Okabe and Ito, with lightness set for each background). */
const hues = {
  light: ['#0072b2', '#b35900', '#007a5a', '#a8327d', '#5b5bd6', '#8a6d00', '#2b8fbd', '#7a4a2b'],
  dark: ['#56b4e9', '#e69f00', '#2fc79a', '#e58abf', '#9c9cf5', '#e6d94c', '#8fd3f4', '#d0a07a'],
};
const ink = {
  light: { text: '#1c2733', faint: '#52606d', vacant: '#b3261e', mark: '#111827', band: '#eef1f4' },
  dark: { text: '#e6ebf0', faint: '#a3b0bd', vacant: '#ff8a80', mark: '#ffffff', band: '#1b232c' },
};
const font = '12px system-ui, sans-serif';

export function drawMap(canvas: HTMLCanvasElement, picture: MapPicture): void {
  const { layout, isDark } = picture;
  const scale = globalThis.devicePixelRatio;
  canvas.width = Math.round(layout.width * scale);
  canvas.height = Math.round(layout.height * scale);
  canvas.style.width = `${layout.width}px`;
  canvas.style.height = `${layout.height}px`;
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, layout.width, layout.height);
  const colours = isDark ? ink.dark : ink.light;
  const palette = isDark ? hues.dark : hues.light;
  for (const [band, placed] of layout.bands.entries()) {
    drawLabel(context, layout, placed.labelTop, labelOf(placed.agentId, placed.count), colours);
    const leases = picture.leases[band] ?? [];
    const size = layout.pitch - 2;
    for (const [index, lease] of leases.entries()) {
      const { x, y } = cornerOf(layout, { band, index });
      if (placed.agentId === null) {
        drawVacant(context, x, y, size, colours.vacant);
      } else {
        context.fillStyle = palette[picture.hueOf(lease) % palette.length] ?? colours.faint;
        context.fillRect(x, y, size, size);
      }
      if (picture.isMoving(lease)) drawMoving(context, x, y, size, colours.mark);
    }
  }
}

function labelOf(agentId: string | null, count: number): [string, string] {
  return [agentId ?? 'Nobody leads', String(count)];
}

function drawLabel(
  context: CanvasRenderingContext2D,
  layout: MapLayout,
  top: number,
  [name, count]: [string, string],
  colours: typeof ink.light,
): void {
  context.font = font;
  context.textBaseline = 'top';
  context.textAlign = 'right';
  context.fillStyle = colours.faint;
  const right = layout.labelWidth > 0 ? layout.labelWidth - 10 : layout.columns * layout.pitch;
  context.fillText(count, right, top);
  const room = right - context.measureText(count).width - 8;
  context.textAlign = 'left';
  context.fillStyle = colours.text;
  context.fillText(fitted(context, name, room), 0, top);
}

/** Names are up to 249 characters long. */
function fitted(context: CanvasRenderingContext2D, text: string, room: number): string {
  if (context.measureText(text).width <= room) return text;
  let length = Math.min(text.length, 64);
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > room) length -= 1;
  return `${text.slice(0, length)}…`;
}

/** Hollow and crossed. */
function drawVacant(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  size: number,
  colour: string,
): void {
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
  context.beginPath();
  context.moveTo(x, y + size);
  context.lineTo(x + size, y);
  context.stroke();
}

/** A triangle in the corner. */
function drawMoving(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  size: number,
  colour: string,
): void {
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(x + size, y);
  context.lineTo(x + size, y + size);
  context.lineTo(x, y + size);
  context.fill();
}
