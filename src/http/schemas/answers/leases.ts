// Answers about leases: of partitions, of roles, and their past terms.
import { z } from 'zod';
import { termEndReasons } from '../../../store/leases.ts';
import { name, partitionNumber } from '../names.ts';
import { epoch } from '../numbers.ts';
import { duration, pageEnd, time } from './values.ts';

const place = { topic: name, partition: partitionNumber };

export const lease = z
  .object({
    ...place,
    agentId: name.nullable().meta({ description: 'The agent that holds it; null when nobody does.' }),
    address: z.string().nullable().meta({ description: "Where the holder's broker listens." }),
    epoch,
    acquiredAt: time.nullable(),
    expiresInMs: duration
      .nullable()
      .meta({ description: "What is left of the holder's session by the database's clock." }),
  })
  .meta({ id: 'Lease' });

export const leasePage = z.object({ leases: z.array(lease), ...pageEnd });

export const term = z
  .object({
    epoch,
    agentId: name,
    from: time,
    to: time.nullable().meta({ description: 'null while the term goes on.' }),
    reason: z.enum(termEndReasons).nullable().meta({ description: 'What ended it; null while it goes on.' }),
  })
  .meta({ id: 'Term', description: 'One unbroken holding of a lease.' });

export const leaseHistory = z.object({
  ...place,
  history: z.array(term).meta({ description: 'The newest first.' }),
});

const asked = {
  ...place,
  epoch,
  agentId: name.nullable().meta({ description: 'Who holds it now; null when nobody does.' }),
};

export const leaseRelease = z
  .object({
    ...asked,
    result: z
      .enum(['asked', 'vacant'])
      .meta({ description: 'asked: the holder has still to give it up; vacant: nobody holds it.' }),
  })
  .meta({ id: 'LeaseRelease' });

export const leaseMove = z
  .object({
    ...asked,
    to: name.meta({ description: 'Who is to lead it.' }),
    result: z.enum(['asked', 'vacant', 'in_place']).meta({
      description:
        'asked: the holder has still to give it up; vacant: nobody holds it; in_place: who is to lead it does so already.',
    }),
  })
  .meta({ id: 'LeaseMove' });

export const election = z
  .object({
    name,
    agentId: name.nullable().meta({ description: 'The agent that leads; null when nobody does.' }),
    epoch,
    since: time.nullable(),
  })
  .meta({ id: 'Election' });

const leader = {
  agentId: name
    .nullable()
    .meta({ description: 'The agent beside which the leader is; null when nobody leads.' }),
  epoch,
  since: time.nullable(),
};

export const candidacy = z
  .object({
    name,
    ...leader,
    candidate: name,
    state: z.enum(['leading', 'waiting']),
    ownEpoch: epoch
      .nullable()
      .meta({ description: "The epoch of the candidate's own term; null while it waits." }),
    trustedForMs: duration.meta({
      description:
        'How long it may act as leader without another answer; 0 while it waits. Count it from when you sent the request.',
    }),
    leader: z.object(leader).nullable(),
  })
  .meta({ id: 'Candidacy' });

export const resignation = z
  .object({
    name,
    outcome: z
      .enum(['resigned', 'asked', 'vacant'])
      .meta({ description: 'asked: whoever leads has still to give it up; vacant: nobody leads.' }),
    candidate: name.optional(),
    agentId: name.nullish(),
    epoch: epoch.optional(),
  })
  .meta({ id: 'Resignation' });

export const electionPage = z.object({ elections: z.array(election), ...pageEnd });

export type LeaseMoveAnswer = z.input<typeof leaseMove>;
export type LeaseAnswer = z.input<typeof lease>;
export type TermAnswer = z.input<typeof term>;
export type ElectionAnswer = z.input<typeof election>;
export type CandidacyAnswer = z.input<typeof candidacy>;
export type ResignationAnswer = z.input<typeof resignation>;
