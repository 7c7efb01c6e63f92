// The network between one process and the database: every statement that is sent alone, and every transaction, is a request that takes
// its time, may be lost on its way, or take effect without a reply, or long after nobody waits for it.
import { StoreUnavailable } from '../../src/domain/refusal.ts';
import { LockKeys, ShownLocks } from '../../src/store/postgres/shown-locks.ts';
import type { SqlConnection, SqlDatabase, SqlRunner } from '../../src/store/sql/database.ts';
import type { ParameterValues, Statement } from '../../src/store/sql/statement.ts';
import type { Database } from './database.ts';
import type { HostProcess } from './host.ts';
import { type ConnectionLock, LockLosses, noLock } from './lock-losses.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** What could not be told the server is told again so much later, milliseconds. */
const closedAgainMs = 200;

/** Asked when a session is over: its answer says why. */
const fateOfSession = 'select_fate';

/** One way, milliseconds. */
const latency = { fromMs: 0.3, toMs: 4 };

/** Where requests come to their end; what is cut takes no effect any more, and those that wait hear of it. */
interface Wire {
  /** What was sent first arrives first. */
  lastArrivalMs: number;
  readonly waiting: Set<(why: string) => void>;
  /** Of the coordination connection, with crash detection. */
  readonly lock: ConnectionLock;
}

export interface LinkOptions {
  /** The longest that a request may take, milliseconds of the process's clock. */
  readonly attemptMs: number;
  /** Whether the coordination connection takes a lock. */
  readonly detectsCrashes: boolean;
}

export class Link {
  /** `refusing`: connections are refused; `hanging`: nothing arrives, in either direction. */
  road: 'open' | 'refusing' | 'hanging' = 'open';
  /** A full disk: reads work. */
  writesFail = false;
  /** Probabilities, of each request. */
  loss = { request: 0, reply: 0, late: 0 };
  /** Latency times so much. */
  slowness = 1;
  /** Called once, when the next request has been sent and not come to anything yet: the worst moments are between the two. */
  onNextRequest: (() => void) | undefined;
  readonly pool: SqlDatabase;
  readonly coordination: SqlConnection;
  readonly losses: LockLosses;
  private readonly world: World;
  private readonly random: Random;
  private readonly process: HostProcess;
  private readonly options: LinkOptions;
  private readonly wires = new Set<Wire>();
  private coordinationWire = newWire();
  private readonly lockKeys: LockKeys;
  private readonly shown = new ShownLocks<Wire>((wire) => this.close(wire));
  private incarnation = 1;
  /** What was sent before the last cut arrives no more, waited for or not. */
  private cuts = 0;

  constructor(world: World, process: HostProcess, options: LinkOptions) {
    this.world = world;
    this.process = process;
    this.options = options;
    this.random = world.random.fork();
    this.lockKeys = new LockKeys(() => this.random.next());
    this.losses = new LockLosses(process);
    this.pool = this.makePool(world.database);
    this.coordination = this.makeCoordination();
  }

  /** The database's side of all connections is gone: it was restarted, or the network says so. */
  cut(): void {
    this.cuts += 1;
    const failing = [...this.wires].flatMap(({ waiting }) => [...waiting]);
    for (const fail of failing) fail('the connection was cut');
    for (const wire of this.connections()) {
      this.dropLock(wire);
      this.process.deliver(() => this.lost(wire));
    }
    if (!this.options.detectsCrashes) this.renewCoordination();
  }

  /** The server's side of the coordination connection is gone, and nobody says so: it is heard at the next request. */
  cutServerHalf(): void {
    const wire = this.coordinationWire;
    this.dropLock(wire);
    wire.lock.isReset = true;
  }

  /** The process has died: the kernel says so to the server, as soon as anything gets there. */
  died(): void {
    for (const wire of this.connections()) this.close(wire);
  }

  private makePool(database: Database): SqlDatabase {
    const { dialect } = database;
    return {
      dialect,
      all: (statement, parameters) => this.ask(newWire(), statement, parameters),
      transaction: <T>(work: (tx: SqlRunner) => Promise<T>) =>
        this.request(newWire(), 'transaction', true, () => database.transaction(work)),
      async refreshStatistics() {},
    };
  }

  private makeCoordination(): SqlConnection {
    const incarnation = () => this.incarnation;
    return {
      get incarnation() {
        return incarnation();
      },
      lockKey: () => this.lockKey(this.coordinationWire),
      lockTold: (key) => {
        if (key !== null) this.shown.told(key);
      },
      all: (statement, parameters) => {
        const wire = this.coordinationWire;
        const answer = this.ask(wire, statement, parameters, () => this.late(wire));
        return statement.name === fateOfSession ? answer.then((rows) => this.toldFate(rows)) : answer;
      },
    };
  }

  private toldFate<R>(rows: R[]): R[] {
    this.losses.toldOver();
    return rows;
  }

  private ask<P extends ParameterValues, R>(
    wire: Wire,
    statement: Statement<P, R>,
    parameters: P,
    onTimeout?: () => void,
  ): Promise<R[]> {
    const { database } = this.world;
    const isWrite = database.writes(statement);
    return this.request(wire, statement.name, isWrite, () => database.all(statement, parameters), onTimeout);
  }

  private async lockKey(wire: Wire): Promise<number | null> {
    if (!this.options.detectsCrashes) return null;
    const { lock } = wire;
    if (lock.key === undefined) {
      const key = this.lockKeys.next();
      const take = async (): Promise<void> => {
        if (!this.process.isAlive || lock.isClosed) return;
        this.world.database.takeLock(key);
        lock.isHeld = true;
      };
      lock.key = key;
      try {
        await this.request(wire, 'lock', false, take, () => this.late(wire));
      } catch (error) {
        this.close(wire);
        if (wire === this.coordinationWire) this.renewCoordination();
        throw error;
      }
    }
    this.shown.show(wire, lock.key);
    return lock.key;
  }

  private connections(): readonly Wire[] {
    return [this.coordinationWire, ...this.shown.aside];
  }

  /** No answer in time. */
  private late(wire: Wire): void {
    if (wire !== this.coordinationWire) return;
    this.renewCoordination();
    if (!this.shown.isShown(wire)) this.close(wire);
    else if (!this.shown.setAside(wire)) this.lost(wire);
  }

  /** The process hears that a connection is no more. */
  private lost(wire: Wire): void {
    const { lock } = wire;
    if (wire === this.coordinationWire) this.renewCoordination();
    const wasShown = this.shown.ended(wire);
    this.close(wire);
    if (wasShown) this.losses.heard(lock, this.world.scheduler.nowMs);
  }

  /** By the process: nobody goes by its lock any more, and the server lets go of it when it hears. */
  private close(wire: Wire): void {
    const { lock } = wire;
    this.shown.ended(wire);
    lock.isClosed = true;
    if (!lock.isHeld) return;
    this.world.scheduler.after(this.tripMs(), () => {
      if (this.road === 'open') this.dropLock(wire);
      else this.world.scheduler.after(closedAgainMs, () => this.close(wire));
    });
  }

  private dropLock(wire: Wire): void {
    const { lock } = wire;
    if (!lock.isHeld || lock.key === undefined) return;
    lock.isHeld = false;
    this.world.database.dropLock(lock.key);
    if (this.shown.isShown(wire)) this.losses.dropped(lock, this.world.scheduler.nowMs);
  }

  private renewCoordination(): void {
    this.coordinationWire = newWire();
    this.incarnation += 1;
  }

  private request<T>(
    wire: Wire,
    what: string,
    isWrite: boolean,
    effect: () => Promise<T>,
    onTimeout?: () => void,
  ): Promise<T> {
    const { scheduler, faults } = this.world;
    const { random, process, loss, cuts } = this;
    return new Promise((resolve, reject) => {
      let isSettled = false;
      const settle = (how: () => void): void => {
        if (isSettled) return;
        isSettled = true;
        cancelTimeout();
        wire.waiting.delete(onCut);
        if (wire.waiting.size === 0) this.wires.delete(wire);
        how();
      };
      const fail = (why: string, outcomeUnknown: boolean): void => {
        const error = new StoreUnavailable(`${what}: ${why}`, { outcomeUnknown });
        process.deliver(() => settle(() => reject(error)));
      };
      const onCut = (why: string): void => fail(why, true);
      const cancelTimeout = process.timer(this.options.attemptMs, () =>
        settle(() => {
          this.trace(`${what}: no answer in time`);
          onTimeout?.();
          reject(new StoreUnavailable(`${what}: no answer in time`, { outcomeUnknown: true }));
        }),
      );
      const later = (how: () => void): void => void scheduler.after(this.tripMs(), how);
      const reply = (how: () => void): void => {
        if (this.road !== 'open') return;
        if (random.chance(loss.reply)) {
          faults['reply lost'] += 1;
          return this.trace(`${what}: reply lost`);
        }
        later(() => {
          if (this.road !== 'hanging') process.deliver(() => settle(how));
        });
      };
      const { onNextRequest } = this;
      this.onNextRequest = undefined;
      if (onNextRequest !== undefined) scheduler.after(0, onNextRequest);
      wire.waiting.add(onCut);
      this.wires.add(wire);
      if (this.road === 'refusing') return later(() => fail('refused', false));
      if (this.road === 'hanging') return;
      if (random.chance(loss.request)) {
        faults['request lost'] += 1;
        return this.trace(`${what}: request lost`);
      }
      wire.lastArrivalMs = Math.max(wire.lastArrivalMs, scheduler.nowMs + this.tripMs() + this.latenessMs());
      scheduler.at(wire.lastArrivalMs, () => {
        if (cuts !== this.cuts || this.road !== 'open') return;
        if (wire.lock.isReset) {
          fail('the connection was reset', true);
          return process.deliver(() => this.lost(wire));
        }
        if (isWrite && this.writesFail) {
          const error = new StoreUnavailable(`${what}: the disk is full`, { outcomeUnknown: false });
          return reply(() => reject(error));
        }
        if (isWrite) this.trace(what);
        void effect().then(
          (answer) => reply(() => resolve(answer)),
          (error: unknown) => reply(() => reject(error)),
        );
      });
    });
  }

  private tripMs(): number {
    return this.random.between(latency.fromMs, latency.toMs) * this.slowness;
  }

  /** Some requests come when their sender has given them up long ago. */
  private latenessMs(): number {
    const { random, loss, world, options } = this;
    if (!random.chance(loss.late)) return 0;
    world.faults['request late'] += 1;
    return random.between(0.5, 8) * options.attemptMs;
  }

  private trace(what: string): void {
    this.world.note(this.process.name, what);
  }
}

function newWire(): Wire {
  return { lastArrivalMs: 0, waiting: new Set(), lock: noLock() };
}
