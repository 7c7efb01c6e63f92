// What must not be, planted into the evidence of a run one by one, each to be found and named: a run that cannot fail proves nothing.
import type { Operation, What } from './history.ts';
import type { Evidence } from './judge.ts';
import { rawTopic } from './raw-client.ts';

interface Plant {
  readonly what: string;
  /** Needs a lease of each topic that was granted twice, and an acknowledged append. */
  readonly into: (evidence: Evidence) => Evidence;
  readonly found: RegExp;
}

type Term = Operation & { readonly what: Extract<What, { kind: 'grant' | 'granted' }> };

export const plants: readonly Plant[] = [
  {
    what: 'a grant to an agent that nobody made',
    into: (evidence) => without(evidence, 'grant', twoOf('grant', evidence, isOfAgents)[0]),
    found: /an epoch that nobody was granted/,
  },
  {
    what: 'a grant to a client of the store that nobody made',
    into(evidence) {
      const [grant] = twoOf('grant', evidence, isRaw);
      // Nor did anybody ask for it without hearing the answer.
      return without(without(evidence, 'grant', grant), 'perhaps_grant', grant);
    },
    found: /an epoch that nobody was granted/,
  },
  {
    what: 'a grant of what nobody gave up',
    into: (evidence) => without(evidence, 'end', twoOf('grant', evidence, isOfAgents)[0]),
    found: /nothing ended the term/,
  },
  {
    what: 'a write accepted under a term that was over',
    into(evidence) {
      const [{ what, ...first }, { returnedMs }] = twoOf('granted', evidence, isOfAgents);
      const times = { invokedMs: returnedMs + 1, returnedMs: returnedMs + 2 };
      return withOne(evidence, { ...first, ...times, what: { ...what, kind: 'held' } });
    },
    found: /out of order/,
  },
  {
    what: 'two holders under one epoch',
    into(evidence) {
      const [{ what, ...first }] = twoOf('granted', evidence, isOfAgents);
      return withOne(evidence, { ...first, what: { ...what, kind: 'held', holder: 'a thief' } });
    },
    found: /two holders of one epoch/,
  },
  {
    what: 'an acknowledged append that is lost',
    into(evidence) {
      const { id } = some(evidence.acknowledged[0]);
      return { ...evidence, segments: evidence.segments.filter((segment) => segment.segment_id !== id) };
    },
    found: /was acknowledged, and is lost/,
  },
  {
    what: 'a segment that is stored twice',
    into: ({ segments, ...evidence }) => ({ ...evidence, segments: [some(segments[0]), ...segments] }),
    found: /should begin at/,
  },
  {
    what: 'a segment of nobody',
    into(evidence) {
      const { id } = some(evidence.acknowledged[0]);
      return { ...evidence, acknowledged: evidence.acknowledged.filter((each) => each.id !== id) };
    },
    found: /was sent by nobody/,
  },
];

function isRaw({ lease }: Operation): boolean {
  return lease.startsWith(`${rawTopic}/`);
}

function isOfAgents(operation: Operation): boolean {
  return !isRaw(operation);
}

/** Of one lease, under two epochs, the lower one first. */
function twoOf(
  kind: 'grant' | 'granted',
  { operations }: Evidence,
  isOne: (operation: Operation) => boolean,
): readonly [Term, Term] {
  const all = operations.filter((each): each is Term => each.what.kind === kind && isOne(each));
  for (const later of all) {
    const first = all.find(({ lease, what }) => lease === later.lease && what.epoch < later.what.epoch);
    if (first !== undefined) return [first, later];
  }
  throw new Error(`nothing was ${kind} twice`);
}

/** Without everything of this kind that is about the same term. */
function without(
  evidence: Evidence,
  kind: 'grant' | 'perhaps_grant' | 'end',
  { lease, what: { epoch, holder } }: Term,
): Evidence {
  const isIt = ({ what, ...operation }: Operation): boolean =>
    operation.lease === lease &&
    what.kind === kind &&
    ('epoch' in what ? what.epoch === epoch : 'holder' in what && what.holder === holder);
  return { ...evidence, operations: evidence.operations.filter((operation) => !isIt(operation)) };
}

function withOne(evidence: Evidence, operation: Operation): Evidence {
  return { ...evidence, operations: [...evidence.operations, operation] };
}

function some<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the run has nothing of the kind');
  return value;
}
