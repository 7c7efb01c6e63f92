// Signals between the processes of a simulation: hints that may be lost, late, or come twice.
import { LocalBell } from '../../src/signals/local-bell.ts';
import type { SignalKind, Signals } from '../../src/signals/signals.ts';
import type { HostProcess } from './host.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

export class SignalNetwork {
  /** Probabilities, of each delivery. */
  loss = { lost: 0, delayed: 0, doubled: 0 };
  private readonly world: World;
  private readonly random: Random;
  private readonly ears = new Set<{ readonly process: HostProcess; readonly bell: LocalBell }>();

  constructor(world: World) {
    this.world = world;
    this.random = world.random.fork();
  }

  /** The ears and mouth of one process. */
  join(process: HostProcess): Signals {
    const ear = { process, bell: new LocalBell() };
    this.ears.add(ear);
    return {
      subscribe: (handler) => ear.bell.subscribe(handler),
      publish: (kind) => {
        ear.bell.ring(kind);
        for (const other of this.ears) if (other !== ear) this.send(other, kind);
      },
      health: () => ({ ok: true, detail: 'simulated' }),
      // Nobody remembers what he read here.
      tellsOf: () => false,
      [Symbol.asyncDispose]: async () => void this.ears.delete(ear),
    };
  }

  /** Everybody hears it, each at a moment of its own: from somebody who is no agent, or after a reconnection. */
  broadcast(kind: SignalKind): void {
    for (const ear of this.ears) this.send(ear, kind);
  }

  private send(ear: { readonly process: HostProcess; readonly bell: LocalBell }, kind: SignalKind): void {
    const { random, loss } = this;
    const { faults, scheduler } = this.world;
    if (!ear.process.isAlive) return void this.ears.delete(ear);
    if (random.chance(loss.lost)) {
      faults['signal lost'] += 1;
      return;
    }
    let afterMs = random.between(0.3, 3);
    if (random.chance(loss.delayed)) {
      faults['signal delayed'] += 1;
      afterMs = random.between(50, 3_000);
    }
    const times = random.chance(loss.doubled) ? 2 : 1;
    faults['signal doubled'] += times - 1;
    for (let time = 0; time < times; time += 1) {
      scheduler.after(afterMs * (1 + time), () => ear.process.deliver(() => ear.bell.ring(kind)));
    }
  }
}
