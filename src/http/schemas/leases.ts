// What requests about leases and elections may say.
import { z } from 'zod';
import { name } from './names.ts';
import { flag } from './numbers.ts';
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

export const electionPath = z.strictObject({ name });
