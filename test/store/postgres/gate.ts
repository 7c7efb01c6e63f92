// The window between a statement's snapshot and its first row lock, held open at will.
//
// READ COMMITTED takes the snapshot when a statement starts; what another transaction commits later is invisible to
// it, except on the very rows it goes on to lock. To commit something just there, the test puts a view in the place
// of `topics` whose condition waits for an advisory lock, for connections of one name alone. An acquire judges which
// leases are free by reading `topics`, among others, and that comes before it locks any lease: waiting in the view it
// has its snapshot and no lock. The statement itself is the store's own, word for word.
import type { Stage } from './stage.ts';

export class Gate {
  private readonly stage: Stage;

  private constructor(stage: Stage) {
    this.stage = stage;
  }

  /** From now on acquires of the store called `name` stop between snapshot and lock. */
  static async shut(stage: Stage, name: string): Promise<Gate> {
    await stage.query(`
      create function pass_gate() returns boolean language plpgsql as $$
      begin
        if current_setting('application_name') = '${stage.applicationName(name)}' then
          perform pg_advisory_xact_lock_shared(hashtextextended('${stage.schema}', 0));
        end if;
        return true;
      end $$;
      alter table topics rename to stored_topics;
      create view topics as select * from stored_topics where ${stage.schema}.pass_gate();
      select pg_advisory_lock(hashtextextended('${stage.schema}', 0))`);
    return new Gate(stage);
  }

  async open(): Promise<void> {
    await this.stage.query(`select pg_advisory_unlock(hashtextextended('${this.stage.schema}', 0))`);
  }
}
