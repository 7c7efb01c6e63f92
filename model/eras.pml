/*
 * A failover of the database that loses commits: a standby that was behind is promoted, and what it never heard of has not
 * happened, except that agents and brokers saw it. As DESIGN 3.7 has it: the first statement that finds another timeline than the
 * era's row names opens a new era, which ends all sessions and keeps everybody but the trusted holder away for a TTL. That has to be
 * heartbeats too, not grants alone: M_ERA_IN_GRANTS_ALONE.
 *
 * Heartbeats and reaps are one step each here; that a reap ends no session that is trusted is the business of lease.pml.
 *
 * A mutant is this file with one rule taken out, -DM_…: spin has to find what then goes wrong.
 */
#define AGENTS 2
#define TTL 2            /* ticks */
#ifndef PROMOTIONS
#define PROMOTIONS 2
#endif
#define PER_ERA 5        /* epochs of an era that the model has room for */
#define EPOCHS (PER_ERA * (PROMOTIONS + 2))

typedef Database {
  byte owner;            /* agent, from 1; 0: none */
  byte epoch;
  byte number;           /* of the era */
  byte row;              /* the timeline that the era's row names */
  bit lives[AGENTS + 1]; /* whether the agent's session does */
}

Database primary, standby;
byte timeline = 1;       /* the primary's own */
byte since;              /* ticks since the era was opened */

byte trust[AGENTS + 1];
byte holds[AGENTS + 1];

bit given[EPOCHS];       /* every epoch that was ever answered: nobody in the system knows */

#define acts(i) (holds[i] > 0 && trust[i] > 0)
#define isFree (primary.owner == 0 || !primary.lives[primary.owner])

#define hasRoom (primary.epoch + 1 < (primary.number + 1) * PER_ERA)      /* as there always is: an era has 2 to the 32 of them */

#ifdef M_NO_ERA
#define isEraCurrent true
#else
#define isEraCurrent (primary.row == timeline)
#endif

#ifdef M_ERA_IN_GRANTS_ALONE          /* a heartbeat on the promoted standby shows who led before */
#define provesEra true
#else
#define provesEra isEraCurrent
#endif

#ifdef M_NO_QUARANTINE
#define mayAnybody true
#else
#define mayAnybody (since >= TTL)
#endif

#ifdef M_ERA_NOT_RAISED
#define floor 0
#else
#define floor (primary.number * PER_ERA)
#endif

inline oneActs() { assert(!(acts(1) && acts(2))) }

inline grant(i) {
  primary.epoch = (primary.epoch + 1 > floor -> primary.epoch + 1 : floor);
  primary.owner = i;
  holds[i] = primary.epoch;
  assert(!given[primary.epoch]);                          /* no epoch is given twice, also one that was lost */
  given[primary.epoch] = 1;
  oneActs()
}

proctype Agent(byte i) {
end:
  do
  :: d_step { primary.lives[i] && provesEra -> trust[i] = TTL;         /* a heartbeat, and what is held is read again */
       holds[i] = (primary.owner == i -> primary.epoch : 0); oneActs() }
  :: d_step { !primary.lives[i] && !acts(i) -> holds[i] = 0; trust[i] = 0; primary.lives[i] = 1;   /* it registers anew */
       if :: primary.owner == i -> primary.owner = 0 :: else fi }
  :: d_step { primary.lives[i] && trust[i] == 0 -> primary.lives[i] = 0; holds[i] = 0 }            /* it is reaped */
  :: d_step { primary.lives[i] && isFree && isEraCurrent && mayAnybody && hasRoom -> grant(i) }
  :: d_step { primary.owner == i && primary.lives[i] -> holds[i] = 0; primary.owner = 0 }          /* a release */
#ifndef M_NO_QUARANTINE
  :: d_step { !primary.lives[i] && acts(i) && isFree && isEraCurrent && hasRoom ->
       primary.lives[i] = 1; grant(i) }                   /* the trusted holder takes its own again, under a new epoch */
#endif
  :: d_step { !isEraCurrent ->                            /* the first statement that finds another timeline */
       primary.number = (primary.number + 1 > timeline -> primary.number + 1 : timeline);
       primary.row = timeline; since = 0;
#ifndef M_SESSIONS_LIVE_ON
       primary.lives[1] = 0; primary.lives[2] = 0
#endif
     }
  od
}

inline copy(to, from) {
  to.owner = from.owner; to.epoch = from.epoch; to.number = from.number; to.row = from.row;
  to.lives[1] = from.lives[1]; to.lives[2] = from.lives[2]
}

proctype World() {
end:
  do
  :: d_step { copy(standby, primary) }                    /* the standby catches up, now and then */
  :: d_step { timeline <= PROMOTIONS -> timeline++; copy(primary, standby) }
  :: d_step {
       if :: trust[1] > 0 -> trust[1] = trust[1] - 1 :: else fi;
       if :: trust[2] > 0 -> trust[2] = trust[2] - 1 :: else fi;
       if :: since < TTL -> since++ :: else fi }
  od
}

init {
  atomic {
    primary.number = 1; primary.row = 1; primary.epoch = PER_ERA; since = TTL;
    primary.lives[1] = 1; primary.lives[2] = 1;
    copy(standby, primary);
    run Agent(1); run Agent(2); run World()
  }
}
