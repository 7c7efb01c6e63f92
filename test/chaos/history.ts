// What was done to leases and what was seen of them, as clients know it: an operation took effect at some moment between its call and
// its return, if it did. All times are milliseconds of one machine's monotonic clock. An operation without an answer never returns:
// whatever effect it has may come at any time.

export interface Operation {
  /** `topic/partition`. */
  readonly lease: string;
  /** Who asked, for people. */
  readonly client: string;
  readonly invokedMs: number;
  /** Infinity: no answer. */
  readonly returnedMs: number;
  readonly what: What;
}

/** A lease as a register: its epoch, and whether somebody holds it under that epoch. It begins at epoch 0, held by nobody. */
export type What =
  /** The act: `holder` was granted the lease under this epoch. It must have been held by nobody, under a lower one. */
  | { readonly kind: 'grant'; readonly epoch: number; readonly holder: string }
  /** Asked for it, no answer: may have been granted, once, under an epoch that others have seen. */
  | { readonly kind: 'perhaps_grant'; readonly holder: string }
  /** Nobody holds it under this epoch from then on: given up, or its session ended. Said of a current epoch. */
  | { readonly kind: 'end'; readonly epoch: number }
  /** The same without an answer. */
  | { readonly kind: 'perhaps_end'; readonly epoch: number }
  /** Seen: `holder` holds it under this epoch. An accepted write says so. */
  | { readonly kind: 'held'; readonly epoch: number; readonly holder: string }
  /** Seen: nobody holds it, and this is its epoch. */
  | { readonly kind: 'vacant'; readonly epoch: number }
  /** Seen: this is its epoch. A refusal says so. */
  | { readonly kind: 'current'; readonly epoch: number }
  /** Told: the grant has happened, by now at the latest. */
  | { readonly kind: 'granted'; readonly epoch: number; readonly holder: string }
  /** Told: the term of this epoch, which was granted, has ended, by now at the latest. */
  | { readonly kind: 'ended'; readonly epoch: number };

/** Written by all clients of a run. */
export class History {
  readonly operations: Operation[] = [];

  note(operation: Operation): void {
    this.operations.push(operation);
  }
}

/** The items by what `keyOf` says of each, in their order. */
export function grouped<K, T>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

export function operationText({ lease, client, invokedMs, returnedMs, what }: Operation): string {
  const time = (ms: number): string => (Number.isFinite(ms) ? ms.toFixed(1) : '?');
  const epoch = 'epoch' in what ? ` epoch ${what.epoch}` : '';
  const holder = 'holder' in what ? ` of ${what.holder}` : '';
  return `${lease} ${what.kind}${epoch}${holder}, by ${client} from ${time(invokedMs)} to ${time(returnedMs)} ms`;
}
