// Claims about who held what and when, from questions that were not asked at the same moment.
//
// The rule. An answer "I hold this partition under epoch e" was true at one moment that we know only to lie between sending and
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
import type { Check } from './check.ts';
import { byPartition, type Claim, type PartitionName, partitionText } from '../history.ts';

interface TermSeen {
  readonly holder: string;
  readonly epoch: number;
  /** The earliest answer was received then: held from here at the latest. */
  readonly fromMs: number;
  /** The latest question was sent then: held up to here at least. */
  readonly toMs: number;
}

/** No partition was held by two at once, as far as can be proven. */
export const neverTwoHolders: Check = ({ claims, moments }) => {
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

/** Per partition, in the order of real time as far as it is known, no epoch follows a higher one. */
export const epochsNeverGoBack: Check = ({ claims, acknowledged }) => {
  const writes = acknowledged.map(({ segment: { topic, partition, epoch }, holder, sentMs, receivedMs }) => ({
    topic,
    partition,
    epoch,
    holder,
    sentMs,
    receivedMs,
  }));
  const violations: string[] = [];
  let counted = 0;
  for (const [text, sightings] of byPartition<Sighting>([...claims, ...writes])) {
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
    claim: 'sightings of an epoch, in claims and writes, none after a higher one',
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

/** An epoch of a partition belongs to one run of one agent. */
export const oneHolderPerEpoch: Check = ({ claims, acknowledged }) => {
  const holders = new Map<string, Set<string>>();
  const note = (text: string, holder: string): void => {
    const known = holders.get(text);
    if (known === undefined) holders.set(text, new Set([holder]));
    else known.add(holder);
  };
  for (const { topic, partition, epoch, holder } of claims) {
    note(`${topic}/${partition} epoch ${epoch}`, holder);
  }
  for (const { segment, holder } of acknowledged) {
    note(`${segment.topic}/${segment.partition} epoch ${segment.epoch}`, holder);
  }
  const violations = [...holders]
    .filter(([, names]) => names.size > 1)
    .map(([text, names]) => `${text}: held by ${[...names].join(' and ')}`);
  return { claim: 'epochs seen, each of one holder', counted: holders.size, violations };
};

/**
 * While the broker beside a killed agent may still use its leases, nobody else holds them: exclusion by time, before the fence
 * has to speak. Strict while a lease moves only after a whole TTL of silence; with early detection of crashes (DESIGN 4) a broker stops
 * sooner, at the end of its event stream, and deadlines alone say nothing. An agent that stops by itself gives up its leases before
 * that, with its broker's knowledge or, where the broker only polls, without it; there the fence decides.
 */
export const trustOutlivesNobody: Check = ({ claims, departures }) => {
  const violations: string[] = [];
  let counted = 0;
  const claimsOf = byPartition(claims);
  for (const { how, agentId, holder, before } of departures) {
    if (how !== 'SIGKILL') continue;
    for (const lease of before.filter((each) => each.agentId === agentId)) {
      const ofPartition = claimsOf.get(partitionText(lease)) ?? [];
      const untilMs = trustedUntil(ofPartition, holder, lease.epoch);
      if (untilMs === undefined) continue;
      counted += 1;
      const early = ofPartition.find((claim) => claim.epoch > lease.epoch && claim.receivedMs < untilMs);
      if (early === undefined) continue;
      const byMs = Math.round(untilMs - early.receivedMs);
      violations.push(
        `${partitionText(lease)}: ${early.holder} held it ${byMs} ms before the trust of ${holder} had ended`,
      );
    }
  }
  return {
    claim: 'leases of a killed agent, none held by another before its broker had to stop',
    counted,
    violations,
  };
};

function trustedUntil(claims: readonly Claim[], holder: string, epoch: number): number | undefined {
  const deadlines = claims
    .filter((claim) => claim.holder === holder && claim.epoch === epoch)
    .map((claim) => claim.untilMs);
  return deadlines.length === 0 ? undefined : Math.max(...deadlines);
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
