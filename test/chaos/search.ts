// The definition itself, for small histories: tries every order of the operations that keeps the order of real time, with those
// that have no answer taking effect or not, on a register that follows the rules one after the other. Knows nothing of how linearizable.ts
// finds its answer.
import type { Operation, What } from './history.ts';

interface Register {
  readonly epoch: number;
  readonly holder: string | undefined;
  /** Who was ever granted which epoch. */
  readonly granted: ReadonlyMap<number, string>;
}

const beginning: Register = { epoch: 0, holder: undefined, granted: new Map() };

/** Whether there is an order. Takes time without bound: for a handful of operations. */
export function isLinearizable(operations: readonly Operation[]): boolean {
  return canGoOn(beginning, operations, seenHolders(operations));
}

function canGoOn(register: Register, rest: readonly Operation[], seen: ReadonlyMap<number, string>): boolean {
  if (rest.length === 0) return true;
  // Next may be whatever was called before every other one had returned.
  return rest.some((next, index) => {
    if (rest.some((other) => other.returnedMs < next.invokedMs)) return false;
    const others = rest.toSpliced(index, 1);
    return after(register, next.what, seen).some((following) => canGoOn(following, others, seen));
  });
}

/** What the register may be after it; nothing: it cannot come here. */
function after(register: Register, what: What, seen: ReadonlyMap<number, string>): Register[] {
  const { epoch, holder } = register;
  const only = (isTrue: boolean): Register[] => (isTrue ? [register] : []);
  switch (what.kind) {
    case 'grant':
      return grantedTo(register, what.epoch, what.holder);
    case 'perhaps_grant': {
      const epochs = [...seen].filter(([, owner]) => owner === what.holder).map(([each]) => each);
      return [register, ...epochs.flatMap((each) => grantedTo(register, each, what.holder))];
    }
    case 'end':
      return epoch === what.epoch && epoch > 0 ? [{ ...register, holder: undefined }] : [];
    case 'perhaps_end':
      return [register, ...(epoch === what.epoch ? [{ ...register, holder: undefined }] : [])];
    case 'held':
      return only(epoch === what.epoch && holder === what.holder);
    case 'vacant':
      return only(epoch === what.epoch && holder === undefined);
    case 'current':
      return only(epoch === what.epoch);
    case 'granted':
      return only(register.granted.get(what.epoch) === what.holder);
    case 'ended':
    default:
      return only(register.granted.has(what.epoch) && (epoch > what.epoch || holder === undefined));
  }
}

function grantedTo({ epoch, holder, granted }: Register, next: number, to: string): Register[] {
  if (holder !== undefined || next <= epoch) return [];
  return [{ epoch: next, holder: to, granted: new Map([...granted, [next, to]]) }];
}

function seenHolders(operations: readonly Operation[]): Map<number, string> {
  return new Map(
    operations.flatMap(({ what }): [number, string][] =>
      'epoch' in what && 'holder' in what ? [[what.epoch, what.holder]] : [],
    ),
  );
}
