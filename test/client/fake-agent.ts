// An agent for the client's tests: a real HTTP server that speaks the wire format of the broker's side, with its partitions in
// memory and everything that can go wrong at a test's command. Nothing happens in it by itself but answers.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';

const termForm = z.object({ topic: z.string(), partition: z.number(), epoch: z.number() });
const segmentForm = z.looseObject({
  epoch: z.number(),
  id: z.string(),
  baseOffset: z.number(),
  endOffset: z.number(),
});
type StoredSegment = z.infer<typeof segmentForm>;

interface Partition {
  epoch: number;
  held: boolean;
  revoking?: { deadlineMs: number; to: string | null };
  highWatermark: number;
  segments: StoredSegment[];
}

interface JournalEntry {
  readonly n: number;
  readonly text: string;
}

interface OpenStream {
  readonly name: string;
  readonly attach: string | null;
  readonly response: ServerResponse;
}

/** What becomes of the next request of a kind: `lost`: done, and the connection cut; `cut`: cut and not done; `busy`: 503. */
export type Fault = 'lost' | 'cut' | 'busy';

/** A request as it came. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

export async function startFakeAgent(): Promise<FakeAgent> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new FakeAgent(server);
}

export class FakeAgent implements AsyncDisposable {
  readonly url: string;
  readonly seen: Seen[] = [];
  sessionId: string | null = 'session-1';
  trustedForMs = 8_000;
  /** Of the next requests of a kind, first come first. */
  readonly faults: { append: Fault[]; released: Fault[]; agent: Fault[]; partition: Fault[] } = {
    append: [],
    released: [],
    agent: [],
    partition: [],
  };
  /** Resolved answers of `GET /v1/agent`; while it is set they wait for it. */
  agentGate: Promise<unknown> | undefined;
  /** Answers of appends wait for it, done already. */
  appendGate: Promise<unknown> | undefined;
  /** Whether a Last-Event-ID is honoured. */
  resumes = true;
  /** Streams get their headers and nothing behind them. */
  mute = false;
  readonly candidates = new Map<string, { candidate: string; stream: string }>();
  readonly roles = new Map<string, { candidate: string | null; epoch: number }>();
  private readonly server: Server;
  private readonly partitions = new Map<string, Partition>();
  private readonly journal: JournalEntry[] = [];
  private streams: OpenStream[] = [];
  private n = 0;

  constructor(server: Server) {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the fake agent does not listen');
    this.url = `http://127.0.0.1:${address.port}`;
    this.server = server;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void this.answer(request, response);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  get openStreams(): readonly OpenStream[] {
    return this.streams;
  }

  requests(method: string, path: string): Seen[] {
    return this.seen.filter((each) => each.method === method && each.path === path);
  }

  stored(topic: string, partition: number): readonly StoredSegment[] {
    return this.at(topic, partition).segments;
  }

  /** The client's side hears nothing of it: for what is held before it connects. */
  hold(topic: string, partition: number, epoch: number): void {
    Object.assign(this.at(topic, partition), { epoch, held: true });
  }

  grant(topic: string, partition: number, epoch: number, highWatermark: number | null = null): void {
    this.hold(topic, partition, epoch);
    this.emit('lease.granted', { topic, partition, epoch, highWatermark });
  }

  revoke(topic: string, partition: number, deadlineMs: number, to: string | null = null): void {
    const state = this.at(topic, partition);
    state.revoking = { deadlineMs, to };
    this.emit('lease.revoking', { topic, partition, epoch: state.epoch, deadlineMs, to });
  }

  /** `epoch`: of the term that is told to be over, when it is not the current one. */
  lose(topic: string, partition: number, reason = 'released', epoch = this.at(topic, partition).epoch): void {
    const state = this.at(topic, partition);
    if (epoch === state.epoch) this.vacate(state);
    this.emit('lease.lost', { topic, partition, epoch, reason });
  }

  /** Another holds it now; nobody here is told. */
  takeAway(topic: string, partition: number, epoch: number): void {
    Object.assign(this.at(topic, partition), { epoch, held: false });
  }

  suspend(): void {
    this.trustedForMs = 0;
    this.emit('session.suspended', { reason: 'no heartbeat' });
  }

  resume(): void {
    this.trustedForMs = 8_000;
    this.emit('session.resumed', { sessionId: this.sessionId });
  }

  win(name: string, epoch: number): void {
    const candidate = this.candidates.get(name)?.candidate ?? '';
    this.roles.set(name, { candidate, epoch });
    this.emit('election.won', { name, candidate, epoch });
  }

  unseat(name: string): void {
    const { candidate = '', epoch = 0 } = this.roles.get(name) ?? {};
    this.roles.set(name, { candidate: null, epoch });
    this.emit('election.lost', { name, candidate, epoch, reason: 'superseded' });
  }

  beat(): void {
    this.write(`event: beat\ndata: ${JSON.stringify({ trustedForMs: this.trustedForMs })}\n\n`);
  }

  /** An event of the journal: numbered, kept for those that come back, sent to those that are there. */
  emit(type: string, data: object): void {
    this.n += 1;
    const id = `${this.sessionId ?? '-'}:${this.n}`;
    const text = `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
    this.journal.push({ n: this.n, text });
    this.write(text);
  }

  /** Bytes on every stream, as they are. */
  write(text: string): void {
    for (const { response } of this.streams) response.write(text);
  }

  snapshot(partSize = 1_000): void {
    this.write(this.snapshotText('again', partSize));
  }

  /** Cuts every stream, as a killed agent's kernel does. */
  cut(): void {
    for (const { response } of this.streams) response.destroy();
  }

  private at(topic: string, partition: number): Partition {
    const name = `${topic}/${partition}`;
    const known = this.partitions.get(name);
    if (known !== undefined) return known;
    const fresh: Partition = { epoch: 0, held: false, highWatermark: 0, segments: [] };
    this.partitions.set(name, fresh);
    return fresh;
  }

  private vacate(state: Partition): void {
    state.held = false;
    delete state.revoking;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const { method = 'GET' } = request;
    const body: unknown = method === 'GET' ? undefined : await json(request);
    this.seen.push({ method, path: url.pathname, headers: request.headers, body });
    const path = url.pathname.split('/').slice(2);
    if (url.pathname === '/v1/events') this.open(request, response, url);
    else if (url.pathname === '/v1/agent') await this.self(response);
    else if (url.pathname === '/v1/held/released') this.released(response, body);
    else if (path[0] === 'topics' && path[4] === 'segments' && method === 'POST') {
      await this.append(response, path[1] ?? '', Number(path[3]), body);
    } else if (path[0] === 'topics' && path[2] === 'partitions')
      this.partition(response, path[1] ?? '', Number(path[3]));
    else if (path[0] === 'elections') this.election(response, path[1] ?? '', path[2] ?? '', body);
    else send(response, 404, { code: 'not_found', detail: 'the fake agent does not have that' });
  }

  private open(request: IncomingMessage, response: ServerResponse, url: URL): void {
    const name = url.searchParams.get('stream') ?? randomUUID();
    const stream = { name, attach: url.searchParams.get('attach'), response };
    response.writeHead(200, { 'content-type': 'text/event-stream', 'streamhouse-stream': name });
    response.flushHeaders();
    this.streams.push(stream);
    response.on('close', () => {
      this.streams = this.streams.filter((each) => each !== stream);
    });
    if (this.mute) return;
    const id = /^(.+):(\d+)$/.exec(String(request.headers['last-event-id']));
    if (this.resumes && id?.[1] === this.sessionId) {
      const missed = this.journal.filter(({ n }) => n > Number(id?.[2]));
      response.write(`: resumed\n\n${missed.map(({ text }) => text).join('')}`);
    } else {
      response.write(this.snapshotText(name, 1_000));
    }
  }

  private snapshotText(stream: string, partSize: number): string {
    const leases = [...this.partitions].flatMap(([text, { held, epoch, revoking }]) => {
      const [topic, partition] = text.split('/');
      return held ? [{ topic, partition: Number(partition), epoch, ...(revoking && { revoking }) }] : [];
    });
    const parts = Math.max(1, Math.ceil(leases.length / partSize));
    return Array.from({ length: parts }, (_, index) => {
      const data = {
        stream,
        part: index + 1,
        parts,
        agentId: 'fake',
        sessionId: this.sessionId,
        state: this.trustedForMs > 0 ? 'active' : 'suspended',
        trustedForMs: this.trustedForMs,
        leases: leases.slice(index * partSize, (index + 1) * partSize),
      };
      const id = index + 1 === parts ? `id: ${this.sessionId ?? '-'}:${this.n}\n` : '';
      return `${id}event: snapshot\ndata: ${JSON.stringify(data)}\n\n`;
    }).join('');
  }

  private async self(response: ServerResponse): Promise<void> {
    const { sessionId, trustedForMs } = this;
    await this.agentGate;
    if (failed(response, this.faults.agent.shift())) return;
    send(response, 200, { agentId: 'fake', sessionId, trustedForMs, state: 'active', leases: 0 });
  }

  private partition(response: ServerResponse, topic: string, partition: number): void {
    if (failed(response, this.faults.partition.shift())) return;
    const { highWatermark, epoch } = this.at(topic, partition);
    send(response, 200, { topic, partition, highWatermark, startOffset: 0, leader: 'fake', epoch });
  }

  private released(response: ServerResponse, body: unknown): void {
    const fault = this.faults.released.shift();
    if (fault !== 'lost' && failed(response, fault)) return;
    const { leases } = z.object({ leases: z.array(termForm) }).parse(body);
    const answers = leases.map((lease) => {
      const state = this.at(lease.topic, lease.partition);
      if (state.epoch !== lease.epoch) return { ...lease, outcome: 'fenced', currentEpoch: state.epoch };
      if (state.held) this.lose(lease.topic, lease.partition);
      return { ...lease, outcome: 'released' };
    });
    if (failed(response, fault)) return;
    send(response, 200, { leases: answers });
  }

  private async append(
    response: ServerResponse,
    topic: string,
    partition: number,
    body: unknown,
  ): Promise<void> {
    const fault = this.faults.append.shift();
    if (fault !== 'lost' && failed(response, fault)) return;
    const { status, answer } = this.store(topic, partition, z.array(segmentForm).parse(body));
    await this.appendGate;
    if (failed(response, fault)) return;
    send(response, status, answer);
  }

  private store(
    topic: string,
    partition: number,
    batch: StoredSegment[],
  ): { status: number; answer: object } {
    const state = this.at(topic, partition);
    const [first] = batch;
    const last = batch.at(-1);
    if (first === undefined || last === undefined) return problem(400, 'invalid');
    const same = batch.map((each) => state.segments.find(({ id }) => id === each.id));
    const present = (segments: StoredSegment[]): object => ({
      segments: segments.map((each) => ({ topic, partition, ...each })),
      highWatermark: state.highWatermark,
    });
    if (same.every((each, i) => each?.baseOffset === batch[i]?.baseOffset && each !== undefined)) {
      return { status: 200, answer: present(batch) };
    }
    if (same.some((each) => each !== undefined)) return problem(409, 'already_exists');
    if (first.epoch !== state.epoch) {
      return problem(409, 'fenced', { currentEpoch: state.epoch, holder: 'another', committed: false });
    }
    const { highWatermark } = state;
    if (first.baseOffset > highWatermark) return problem(409, 'offset_gap', { highWatermark });
    if (first.baseOffset < highWatermark) return problem(409, 'offset_overlap', { highWatermark });
    state.segments.push(...batch);
    state.highWatermark = last.endOffset + 1;
    return { status: 201, answer: present(batch) };
  }

  private election(response: ServerResponse, name: string, verb: string, body: unknown): void {
    const form = z.object({ candidate: z.string(), stream: z.string().optional() });
    const { candidate, stream = '' } = form.parse(body);
    const role = this.roles.get(name);
    if (verb === 'resign') {
      this.candidates.delete(name);
      if (role?.candidate === candidate) this.roles.set(name, { ...role, candidate: null });
      return send(response, 200, {});
    }
    this.candidates.set(name, { candidate, stream });
    const leads = role?.candidate === candidate;
    send(response, 200, {
      name,
      candidate,
      state: leads ? 'leading' : 'waiting',
      epoch: leads ? role.epoch : null,
      trustedForMs: leads ? this.trustedForMs : 0,
    });
  }
}

function problem(status: number, code: string, facts: object = {}): { status: number; answer: object } {
  return { status, answer: { status, code, detail: `refused as ${code}`, ...facts } };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** Whether the request ends here. */
function failed(response: ServerResponse, fault: Fault | undefined): boolean {
  if (fault === 'busy') send(response, 503, { code: 'unavailable', detail: 'busy', retryAfterMs: 1 });
  else if (fault !== undefined) response.destroy();
  return fault !== undefined;
}
