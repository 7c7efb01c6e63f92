// DESIGN 3.8: a lost reply is an unknown outcome. The append reaches the server and commits there; its answer is swallowed and the
// connection cut. Asking again tells what happened, also when another leads meanwhile.
import { StoreUnavailable } from '../../../src/domain/refusal.ts';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import type { Fence } from '../../../src/store/segments.ts';
import { eventually } from '../../support/eventually.ts';
import { startProxy } from '../../support/proxy.ts';
import {
  append,
  bury,
  createOrders,
  highWatermark,
  lead,
  orders,
  refusal,
  segment,
  verdict,
} from './cast.ts';
import type { Mutant } from './mutants.ts';
import { differences, rule, type Scenario } from './rule.ts';
import type { Stage } from './stage.ts';

const forgetsIds: Mutant = {
  name: 'does not look for stored ids before it refuses',
  edits: [{ statement: 'select_segments_by_id', find: /where /, replace: 'where false and ' }],
};

interface Cut {
  /** Its append of offsets 0 to 9 was committed and never answered. */
  readonly writer: MetadataStore;
  readonly direct: MetadataStore;
  readonly fence: Fence;
  readonly first: string;
}

async function withLostReply(stage: Stage, then: (cut: Cut) => Promise<string[]>): Promise<string[]> {
  const target = new URL(stage.url);
  await using proxy = await startProxy(Number(target.port), { targetHost: target.hostname });
  const throughProxy = new URL(stage.url);
  throughProxy.host = `127.0.0.1:${proxy.port}`;
  const direct = await stage.store('direct');
  const writer = await stage.store('writer', { url: throughProxy.href });
  await createOrders(direct, 1);
  const { fence } = await lead(direct, 'leader', [orders(0)]);

  // Held on the server, so that the answer can be cut off from a request that has arrived.
  const holding = await stage.begin('holding');
  await append(holding.store, fence, [segment(0, 9, 'never')]);
  const pending = outcomeUnknown(append(writer, fence, [segment(0, 9)]));
  await stage.waits('writer', pending);
  proxy.mode = 'blackhole';
  await holding.rollback();
  await eventually(async () => (await highWatermark(direct)) === 10, { everyMs: 5 });
  proxy.cutAll();
  const first = await pending;
  proxy.mode = 'pass';
  return await then({ writer, direct, fence, first });
}

async function outcomeUnknown(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
    return 'answered';
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    return error.outcomeUnknown ? 'unknown' : 'failed';
  }
}

const askedAgain: Scenario = (stage) =>
  withLostReply(stage, async ({ writer, fence, first }) => {
    const again = await append(writer, fence, [segment(0, 9)]).catch((error: unknown) => ({
      outcome: String(error),
      segments: [],
    }));
    return differences(
      {
        first,
        again: again.outcome,
        ids: again.segments.map(({ id }) => id),
        otherContent: await verdict(append(writer, fence, [segment(0, 8)])),
        next: await verdict(append(writer, fence, [segment(0, 9), segment(10, 19)])),
        stored: await stage.number('select count(*) from segments'),
      },
      {
        first: 'unknown',
        again: 'already',
        ids: ['s0'],
        otherContent: 'already_exists',
        next: 'appended',
        stored: 2,
      },
    );
  });

const askedAgainWhenFenced: Scenario = (stage) =>
  withLostReply(stage, async ({ writer, direct, fence, first }) => {
    await bury(stage, direct, fence.sessionId);
    const successor = await lead(direct, 'successor', [orders(0)]);
    await append(direct, successor.fence, [segment(10, 19)]);
    return differences(
      {
        first,
        again: await verdict(append(writer, fence, [segment(0, 9)])),
        partlyNew: await refusal(append(writer, fence, [segment(0, 9), segment(10, 14, 'new')])),
        stored: await stage.number('select count(*) from segments'),
      },
      {
        first: 'unknown',
        again: 'already',
        partlyNew: {
          code: 'fenced',
          givenEpoch: fence.epoch,
          currentEpoch: successor.fence.epoch,
          holder: 'successor',
          committed: false,
        },
        stored: 2,
      },
    );
  });

rule('an append whose reply was lost is found stored', askedAgain, [
  { mutant: forgetsIds, shows: /again: 'Refusal: .*overlaps/ },
]);
rule('an append whose reply was lost is found stored after a takeover', askedAgainWhenFenced, [
  { mutant: forgetsIds, shows: /again: 'fenced'/ },
]);
