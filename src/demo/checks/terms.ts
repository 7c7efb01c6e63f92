// Claims about who held what and when: from what brokers say of themselves, whose moments are exact, and from questions to agents that
// were not asked at the same moment.
//
// The rule for the latter. An answer "I hold this partition under epoch e" was true at one moment that we know only to lie between sending and
// receiving. An epoch is granted once, so a term is one unbroken holding: two such answers under one epoch prove it for all the
// time between them, and for certain from the first answer RECEIVED to the last question SENT. Two terms were provably held at
// once when each one's first answer was received before the other's last question was sent:
//
//     X  |sent····received|========= held for certain =========|sent····received|
//     Y                                |sent····received|          → both held at one moment
//
// Anything less may be a handover that happened while we were asking. The rule needs no common moment and no luck of the sampler;
// and where clocks cannot decide, epochs do: an epoch seen after a higher one (its question sent behind that one's answer) means
// that somebody went on trusting a lease that had been granted to another.
import type { BrokerTerm, Claim, Evidence } from '../history.ts';
import { byPartition, partitionText, type PartitionName } from '../partition-name.ts';
import type { Check } from './check.ts';

interface TermSeen {
  readonly holder: string;
  readonly epoch: number;
  /** The earliest answer was received then: held from here at the latest. */
  readonly fromMs: number;
  /** The latest question was sent then: held up to here at least. */
  readonly toMs: number;
}

/** No partition was held by two at once, as far as can be proven. */
export const neverTwoHolders: Check<Evidence> = ({ claims, moments }) => {
  const violations: string[] = [];
  for (const [text, ofPartition] of byPartition(claims)) {
    const terms = termsIn(ofPartition);
    terms.forEach((one, index) => {
      for (const other of terms.slice(index + 1)) {
        if (one.fromMs > other.toMs || other.fromMs > one.toMs) continue;
        const atMs = Math.round(Math.max(one.fromMs, other.fromMs));
        violations.push(
          `${text}: ${one.holder} (epoch ${one.epoch}) and ${other.holder} (epoch ${other.epoch}) both at ${atMs} ms`,
        );
      }
    });
  }
  return {
    claim: `claims to hold a partition, at ${moments.toLocaleString('en-US')} sampled moments, never two at once`,
    counted: moments === 0 ? 0 : claims.length,
    violations,
  };
};

/**
 * A broker's term begins when the one before it has ended: exclusion by time, before the fence has to speak. So it is after a handoff,
 * where the grant waits for the acknowledgement, and after a kill, where a broker ends its terms with the event stream.
 */
export const brokersTakeTurns: Check<Evidence> = ({ terms }) => {
  const violations: string[] = [];
  for (const [text, ofPartition] of byPartition(terms)) {
    let before: BrokerTerm | undefined;
    for (const term of ofPartition.toSorted((a, b) => a.begunMs - b.begunMs)) {
      if (before !== undefined && (before.end === undefined || before.end.atMs > term.begunMs)) {
        const still = before.end
          ? `for another ${Math.ceil(before.end.atMs - term.begunMs)} ms`
          : 'and went on';
        violations.push(`${text}: ${brokerText(term)} began while ${brokerText(before)} led, ${still}`);
      }
      before = term;
    }
  }
  return {
    claim: "brokers' terms, each begun when the one before it had ended",
    counted: terms.length,
    violations,
  };
};

function brokerText({ agentId, epoch }: BrokerTerm): string {
  return `the broker beside ${agentId} (epoch ${epoch})`;
}

/** Per partition, in the order of real time as far as it is known, no epoch follows a higher one. */
export const epochsNeverGoBack: Check<Evidence> = ({ claims, terms }) => {
  const begun = terms.map(({ topic, partition, epoch, agentId, begunMs }) => ({
    topic,
    partition,
    epoch,
    holder: `the broker beside ${agentId}`,
    sentMs: begunMs,
    receivedMs: begunMs,
  }));
  const violations: string[] = [];
  let counted = 0;
  for (const [text, sightings] of byPartition<Sighting>([...claims, ...begun])) {
    counted += sightings.length;
    const bySent = sightings.toSorted((a, b) => a.sentMs - b.sentMs);
    const byReceived = sightings.toSorted((a, b) => a.receivedMs - b.receivedMs);
    let highest: Sighting | undefined;
    let answered = 0;
    for (const here of bySent) {
      for (; answered < byReceived.length; answered++) {
        const earlier = byReceived[answered];
        if (earlier === undefined || earlier.receivedMs >= here.sentMs) break;
        if (highest === undefined || earlier.epoch > highest.epoch) highest = earlier;
      }
      if (highest !== undefined && here.epoch < highest.epoch) {
        violations.push(
          `${text}: epoch ${here.epoch} of ${here.holder} at ${Math.round(here.sentMs)} ms, after epoch ${highest.epoch} of ${highest.holder}`,
        );
      }
    }
  }
  return {
    claim: "sightings of an epoch, in claims and brokers' terms, none after a higher one",
    counted,
    violations,
  };
};

interface Sighting extends PartitionName {
  readonly epoch: number;
  readonly holder: string;
  readonly sentMs: number;
  readonly receivedMs: number;
}

/** An epoch of a partition belongs to one run of one agent, and to the broker beside it. */
export const oneHolderPerEpoch: Check<Evidence> = ({ claims, terms }) => {
  const holders = new Map<string, Set<string>>();
  const agents = new Map<string, Set<string>>();
  for (const claim of claims) {
    note(holders, claim, claim.holder);
    note(agents, claim, claim.agentId);
  }
  for (const term of terms) note(agents, term, term.agentId);
  const shared = new Map([...agents, ...holders].filter(([, names]) => names.size > 1));
  return {
    claim: 'epochs seen, each of one agent and the broker beside it',
    counted: agents.size,
    violations: [...shared].map(([text, names]) => `${text}: held by ${[...names].join(' and ')}`),
  };
};

function note(
  known: Map<string, Set<string>>,
  { topic, partition, epoch }: PartitionName & { readonly epoch: number },
  name: string,
): void {
  const text = `${partitionText({ topic, partition })} epoch ${epoch}`;
  const names = known.get(text);
  if (names === undefined) known.set(text, new Set([name]));
  else names.add(name);
}

function termsIn(claims: readonly Claim[]): TermSeen[] {
  const terms = new Map<string, TermSeen>();
  for (const { holder, epoch, sentMs, receivedMs } of claims) {
    const text = `${holder} ${epoch}`;
    const known = terms.get(text);
    terms.set(text, {
      holder,
      epoch,
      fromMs: Math.min(known?.fromMs ?? Infinity, receivedMs),
      toMs: Math.max(known?.toMs ?? -Infinity, sentMs),
    });
  }
  return [...terms.values()];
}
