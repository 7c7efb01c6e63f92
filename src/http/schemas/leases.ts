// What requests about leases and elections may say.
import { z } from 'zod';
import { name } from './names.ts';
import { flag, integer, whole } from './numbers.ts';
import { limit, pageFields } from './page.ts';

/** Filters narrow each other. */
export const leasesQuery = z.strictObject({
  topic: name.optional(),
  agent: name.optional(),
  unleased: flag.meta({ description: 'Only those that nobody holds.' }),
  ...pageFields,
});

/** The newest terms; there is no cursor behind them. */
export const historyQuery = z.strictObject({ limit });

const steering = {
  /** Only if the lease is at this epoch; null, or not said: whichever it is at. */
  expectedEpoch: integer.nullish(),
  /** The holder's session is told to end as well. */
  force: z.boolean('must be true or false').optional(),
};

const steeringError = 'must be a JSON object';

/** Both may be empty. */
export const releaseBody = z.strictObject(steering, steeringError).nullish();

/** `to`: null, or not said: the least loaded other agent that can take it. */
export const moveBody = z.strictObject({ ...steering, to: name.nullish() }, steeringError).nullish();

export const electionPath = z.strictObject({ name });

const bodyError = 'must be a JSON object';

/** How long one renewal holds a candidacy, milliseconds. */
const holdMs = whole(500, 300_000);

/** A body that has no candidate is answered with one that was made for it. */
export const campaignBody = z
  .strictObject(
    {
      candidate: name.optional(),
      stream: name.optional(),
      holdMs: holdMs.optional(),
      waitMs: whole(0, 30_000).default(0),
    },
    bodyError,
  )
  .refine(
    ({ stream, holdMs }) => (stream === undefined) !== (holdMs === undefined),
    'must have either stream, the name of an open event stream, or holdMs, and not both',
  )
  .refine(
    ({ holdMs, waitMs }) => holdMs === undefined || waitMs <= holdMs / 2,
    'waitMs must be at most half of holdMs, so that there is time to renew: the hold counts from when the request comes',
  );

export const renewBody = z.strictObject({ candidate: name, holdMs }, bodyError);

/** Without a candidate it is an operator's, and whoever leads is asked. */
export const resignBody = z
  .strictObject({ candidate: name.optional(), expectedEpoch: integer.optional() }, bodyError)
  .refine(
    ({ candidate, expectedEpoch }) => candidate === undefined || expectedEpoch === undefined,
    'expectedEpoch is for an operator who names no candidate: a candidate resigns whatever it has',
  );
