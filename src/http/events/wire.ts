// An event stream's words on the wire (text/event-stream): blocks of `id`, `event` and `data`, each ended by an empty line.

/** Bytes that a reader may have waiting in its socket; what is written at once stays below, framing and a beat included. */
export const chunkBytesMax = 64 * 1024 - 512;

/** One event. Without an id it cannot be resumed from: whoever reconnects resumes from the id before it. */
export function eventBlock(event: string, data: object, id?: string): Buffer {
  return Buffer.from(`${eventHead(event, id)}${JSON.stringify(data)}\n\n`);
}

/** Everything before the data. */
export function eventHead(event: string, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: `;
}

export const resumedBlock = Buffer.from(': resumed\n\n');

/** The id of event `n`, or of a snapshot taken behind it. Numbers begin anew with every process; session ids never repeat. */
export function eventId(sessionId: string | null, n: number): string {
  return `${sessionId ?? '-'}:${n}`;
}

export interface EventId {
  readonly sessionId: string;
  readonly n: number;
}

/**
 * What a `Last-Event-ID` names; undefined for what is none. An id without a session names nothing: the same one may be an
 * earlier process's.
 */
export function parseEventId(text: string | undefined): EventId | undefined {
  const groups = /^(?<sessionId>[0-9a-f-]{2,64}):(?<n>\d{1,15})$/i.exec(text ?? '')?.groups;
  const { sessionId, n } = groups ?? {};
  return sessionId === undefined || n === undefined ? undefined : { sessionId, n: Number(n) };
}
