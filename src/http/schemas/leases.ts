// What requests about leases and elections may say.
import { z } from 'zod';
import { name } from './names.ts';
import { flag, integer } from './numbers.ts';
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
