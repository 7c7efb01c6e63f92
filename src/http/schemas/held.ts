// What a broker says when it is done with terms that it was asked to give up.
import { z } from 'zod';
import { PAGE_LIMIT_MAX } from '../../domain/limits.ts';
import { name, partitionNumber } from './names.ts';
import { integer } from './numbers.ts';

export const releasedBody = z.strictObject({ epoch: integer }, 'must be a JSON object with the epoch');

const leasesError = `must be an array of 1 to ${PAGE_LIMIT_MAX} leases`;

export const releasedManyBody = z.strictObject(
  {
    leases: z
      .array(z.strictObject({ topic: name, partition: partitionNumber, epoch: integer }), leasesError)
      .min(1, leasesError)
      .max(PAGE_LIMIT_MAX, leasesError)
      .refine(
        (leases) =>
          new Set(leases.map(({ topic, partition }) => `${topic}/${partition}`)).size === leases.length,
        'must name each partition once',
      ),
  },
  'must be a JSON object with the leases',
);
