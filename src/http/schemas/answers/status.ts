// Answers about the whole: the cluster in one page, and health.
import { z } from 'zod';
import { name } from '../names.ts';
import { epoch } from '../numbers.ts';
import { self } from './agents.ts';
import { count, time } from './values.ts';

export const status = z
  .object({
    group: name,
    version: z.string(),
    backend: z.enum(['postgres', 'sqlite']),
    era: z.object({ number: count, since: time, quarantineRestMs: count }).meta({
      description:
        'The history of the database that epochs belong to. While its quarantine lasts, only agents that trusted a lease when they heard of the era are granted it.',
    }),
    coordinator: z
      .object({ agentId: name, epoch, since: time.nullable() })
      .nullable()
      .meta({ description: 'null while the role is vacant.' }),
    agents: z.object({
      total: count,
      active: count,
      cordoned: count,
      broker_down: count,
      draining: count,
      expired: count,
      dead: count,
    }),
    topics: count,
    partitions: z.object({ total: count, led: count, unled: count }),
    agent: self,
  })
  .meta({ id: 'Status' });

export const health = z
  .object({
    status: z.enum(['ok', 'unhealthy']),
    version: z.string(),
    checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
    agent: self,
  })
  .meta({ id: 'Health' });

export type StatusAnswer = z.input<typeof status>;
export type HealthAnswer = z.input<typeof health>;
