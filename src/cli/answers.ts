// What the commands read of an agent's answers. Lenient: only what names a thing is required, fields that are missing
// show as `-` and fields that are new are kept for `-o json`, so that client and agent may differ by a version.
import { z } from 'zod';

const text = z.string().nullish();
const number = z.number().nullish();

export const agentForm = z.object({
  agentId: z.string(),
  address: text,
  zone: text,
  group: text,
  state: text,
  placement: text,
  weight: number,
  lastHeartbeatAt: text,
  expiresInMs: number,
  leases: number,
  metadata: z.unknown().optional(),
});
export type AgentAnswer = z.infer<typeof agentForm>;

/** `asked`: it is alive and has been told to end its session. */
export const agentRemovalForm = z.object({ result: text }).nullish();

export const topicForm = z.object({
  name: z.string(),
  partitionCount: number,
  retentionMs: number,
  config: z.unknown().optional(),
  createdAt: text,
});
export type TopicAnswer = z.infer<typeof topicForm>;

export const partitionForm = z.object({
  partition: z.number(),
  highWatermark: number,
  startOffset: number,
  leader: text,
  epoch: number,
});
export type PartitionAnswer = z.infer<typeof partitionForm>;

export const leaseForm = z.object({
  topic: z.string(),
  partition: z.number(),
  agentId: text,
  address: text,
  epoch: number,
  acquiredAt: text,
  expiresInMs: number,
});
export type LeaseAnswer = z.infer<typeof leaseForm>;

export const termForm = z.object({
  epoch: z.number(),
  agentId: text,
  from: text,
  to: text,
  reason: text,
});
export type TermAnswer = z.infer<typeof termForm>;

/** What became of asking a holder to give a lease up, or of moving it. */
export const steeringForm = z.object({
  epoch: number,
  /** The holder that was asked. */
  agentId: text,
  result: text,
  to: text,
});
export type SteeringAnswer = z.infer<typeof steeringForm>;

export const segmentForm = z.object({
  id: z.string(),
  baseOffset: z.number(),
  endOffset: z.number(),
  recordCount: number,
  sizeBytes: number,
  bucket: text,
  key: text,
  epoch: number,
  createdAt: text,
});
export type SegmentAnswer = z.infer<typeof segmentForm>;

export const removedSegmentsForm = z.object({ removed: z.array(z.unknown()), more: z.boolean().nullish() });

export const offsetLocationForm = z.discriminatedUnion('result', [
  z.object({ result: z.literal('found'), segment: segmentForm }),
  z.object({ result: z.literal('gap'), next: z.number() }),
  z.object({ result: z.literal('before_start'), startOffset: z.number() }),
  z.object({ result: z.literal('at_end'), highWatermark: z.number() }),
]);
export type OffsetLocationAnswer = z.infer<typeof offsetLocationForm>;

/** Said as `group`, as beside its offsets, or as `name`, as of a topic. */
export const consumerGroupForm = z.union([
  z.object({ group: z.string(), createdAt: text }),
  z
    .object({ name: z.string(), createdAt: text })
    .transform(({ name, createdAt }) => ({ group: name, createdAt })),
]);
export type ConsumerGroupAnswer = z.infer<typeof consumerGroupForm>;

export const committedOffsetForm = z.object({
  topic: z.string(),
  partition: z.number(),
  offset: z.number(),
  metadata: text,
  committedAt: text,
});
export type CommittedOffsetAnswer = z.infer<typeof committedOffsetForm>;

export const statusForm = z.object({
  group: z.string(),
  backend: text,
  era: z.object({ number, since: text, quarantineRestMs: number }).nullish(),
  coordinator: z.object({ agentId: z.string(), epoch: number, since: text }).nullish(),
  agents: z
    .object({
      active: number,
      cordoned: number,
      broker_down: number,
      draining: number,
      expired: number,
      dead: number,
    })
    .nullish(),
  topics: number,
  partitions: z.object({ total: number, led: number, unled: number }).nullish(),
  agent: z.object({ agentId: text, state: text, trustedForMs: number, leases: number }).nullish(),
});
export type StatusAnswer = z.infer<typeof statusForm>;

export const healthForm = z.object({
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: text })),
});
export type HealthAnswer = z.infer<typeof healthForm>;

export const electionForm = z.object({ name: z.string(), agentId: text, epoch: number, since: text });
export type ElectionAnswer = z.infer<typeof electionForm>;

/** A candidate's own part of the answer: `ownEpoch` while it leads. */
export const candidacyForm = z.object({
  candidate: z.string(),
  state: z.string(),
  ownEpoch: number,
  trustedForMs: z.number(),
});
export type CandidacyAnswer = z.infer<typeof candidacyForm>;

/** `asked`: whoever leads was told to stop; `vacant`: nobody leads. */
export const resignationForm = z.object({ outcome: z.string(), agentId: text, epoch: number });

const agentLoadForm = z.object({
  agentId: z.string(),
  zone: text,
  weight: number,
  state: text,
  share: number,
  assigned: number,
  planned: number,
  settlesInMs: number,
});
export type AgentLoadAnswer = z.infer<typeof agentLoadForm>;

export const moveForm = z.object({
  topic: z.string(),
  partition: z.number(),
  from: text,
  to: text,
  reason: text,
});
export type MoveAnswer = z.infer<typeof moveForm>;

/** A plan without its moves, which come page by page. */
export const planForm = z.object({
  generation: number,
  agents: z.array(agentLoadForm).nullish(),
  totalMoves: number,
  unassignable: number,
});
export type PlanAnswer = z.infer<typeof planForm>;

export const appliedForm = z.object({ generation: number, requestedAt: text });

export const pauseForm = z.object({ paused: z.boolean(), since: text });

const movingForm = z.object({ topic: z.string(), partition: z.number(), from: text, to: text });
export type MovingAnswer = z.infer<typeof movingForm>;

export const rebalanceForm = z.object({
  generation: number,
  coordinator: z.object({ agentId: z.string(), epoch: number, since: text }).nullish(),
  paused: z.boolean(),
  pausedSince: text,
  applyRequestedAt: text,
  partitions: z
    .object({ total: number, led: number, moving: number, unassigned: number, pinned: number })
    .nullish(),
  wanted: number,
  agents: z.array(agentLoadForm).nullish(),
  moving: z.array(movingForm).nullish(),
});
export type RebalanceAnswer = z.infer<typeof rebalanceForm>;

export const explanationForm = z.object({
  topic: z.string(),
  partition: z.number(),
  leader: text,
  epoch: number,
  assignedTo: text,
  reason: text,
  assignedAt: text,
  plan: z.object({ to: text, reason: text }).nullish(),
  waitsFor: z.array(z.string()).nullish(),
  sentences: z.array(z.string()),
});
export type ExplanationAnswer = z.infer<typeof explanationForm>;
