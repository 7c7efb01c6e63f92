/*
 * Sessions, trust, reaping and one lease, in ticks of time. Each option below is one step of somebody and is atomic; what is
 * between two steps may be anything. A request that was given up may still arrive, at any time and any number of times.
 *
 * What is not here is as telling. The database's clock is not: that it says "expired" is taken for granted, so that what holds
 * here holds whatever that clock says. Signals are not: nothing waits for one. Whether the store answers is not: nobody ever has to
 * be answered.
 *
 * A mutant is this file with one rule taken out, -DM_…: spin has to find what then goes wrong.
 */
#ifndef AGENTS
#define AGENTS 2
#endif
#ifndef LIVES
#define LIVES 1          /* sessions that an agent may have, one after the other */
#endif
#ifndef GRANTS
#define GRANTS 2         /* grants in all */
#endif
#ifndef TTL
#define TTL 2            /* ticks */
#endif
#ifdef M_NO_MARGIN
#define MARGIN 0
#else
#define MARGIN 1         /* covers a clock that falls one tick behind in a TTL */
#endif

#define SESSIONS (AGENTS * LIVES)
#define sid(i) ((i) * LIVES + life[i])   /* an agent's session; they begin at 1 */

/* ---- the database ---- */
bit ended[SESSIONS + 1];
byte owner;              /* the session that the lease names; 0: none */
byte epoch = 1;          /* of the last grant; the first gets 2 */

/* ---- the agents ---- */
mtype = { none, sent, judged, done };
byte life[AGENTS];       /* which of its sessions it lives in; 0: none any more */
byte trust[AGENTS];      /* ticks left */
bit asleep[AGENTS];      /* the machine is suspended: its monotonic clock stands still */
byte holds[AGENTS];      /* epoch of the term it believes to hold; 0: none */
bit giving[AGENTS];      /* it has given a term up and has had no answer */
byte gave[AGENTS];       /* the terms given up in this session: bit e for epoch e */

mtype beat[AGENTS] = none;
byte age[AGENTS];        /* ticks since the heartbeat was sent */

mtype grab[AGENTS] = none;
byte grabFor[AGENTS];    /* session */
byte grabEpoch[AGENTS];  /* the epoch that was judged free, then the one that was granted */
bit waits[AGENTS];       /* the agent waits for the answer: it does one thing with its leases at a time */

/* ---- the observers: all sessions, by whoever looks ---- */
#define unseen (TTL + 1)
byte quiet[SESSIONS + 1];   /* ticks since somebody first saw the present beat */
bit doomed[SESSIONS + 1];   /* a reap that compares with the present beat is on its way */

#define acts(i) (holds[i] > 0 && trust[i] > 0 && !asleep[i])

#ifdef M_RELEASE_NO_EPOCH
#define isTermGiven(i) (gave[i] > 0)
#else
#define isTermGiven(i) (gave[i] & (1 << epoch))
#endif

#ifdef M_NOT_SERIAL
#define isFree(i) true
#else
#define isFree(i) (!waits[i])
#endif

#ifdef M_TAKE_BACK
#define mayTakeUp(i) true
#else
#define mayTakeUp(i) (!giving[i])
#endif

#ifdef M_TRUST_FROM_REPLY
#define ageThatCounts(i) 0
#else
#define ageThatCounts(i) age[i]
#endif

#define isLive(s) (!ended[s] && life[(s - 1) / LIVES] == 1 + (s - 1) % LIVES)

inline oneActs() {       /* one trusted holder */
  count = 0; each = 0;
  do :: each < AGENTS -> count = count + (acts(each) -> 1 : 0); each++ :: else -> break od;
  each = 0;
  assert(count <= 1); count = 0
}

inline beaten(s) {       /* the row has a new beat */
  quiet[s] = unseen;
#ifndef M_REAP_NO_COMPARE
  doomed[s] = 0
#endif
}

inline startOver(i) { trust[i] = 0; holds[i] = 0; giving[i] = 0; gave[i] = 0; waits[i] = 0; beat[i] = none; age[i] = 0 }

inline dropGrab(i) { grab[i] = none; grabFor[i] = 0; grabEpoch[i] = 0; waits[i] = 0 }

proctype Agent(byte i) {
  byte count, each, left;
end:
  do
  /* -- heartbeats -- */
  :: d_step { !asleep[i] && life[i] > 0 && beat[i] == none -> beat[i] = sent; age[i] = 0 }
  :: d_step { beat[i] == sent && !ended[sid(i)] -> beaten(sid(i)); beat[i] = done }
  :: atomic { beat[i] == done && !asleep[i] && isFree(i) ->       /* answered, and what it holds is read again */
       beat[i] = none;
       left = TTL - MARGIN;
       if :: left++ :: skip fi;                                  /* its clock may fall a tick behind meanwhile */
       left = (ageThatCounts(i) < left -> left - ageThatCounts(i) : 0);
       age[i] = 0;
       if :: left > trust[i] -> trust[i] = left :: else fi;
       left = 0;
       if
       :: owner != sid(i) -> holds[i] = 0; giving[i] = 0
       :: owner == sid(i) && mayTakeUp(i) -> holds[i] = epoch
       :: else                                                  /* a term that was given up is not taken up again */
       fi;
       oneActs() }
  :: d_step { beat[i] != none && !asleep[i] -> beat[i] = none; age[i] = 0 }        /* given up: question or answer is lost */
  :: d_step { life[i] > 0 && !ended[sid(i)] && quiet[sid(i)] != unseen -> beaten(sid(i)) }   /* and may arrive all the same */
  :: d_step { !asleep[i] && life[i] > 0 && ended[sid(i)] ->       /* it hears that its session is over, and registers anew */
       startOver(i);
       if :: life[i] < LIVES -> life[i]++ :: else -> life[i] = 0 fi }

  /* -- acquire: judged in a snapshot, then compared once the row is locked -- */
  :: atomic { life[i] > 0 && grab[i] == none && epoch <= GRANTS && (owner == 0 || ended[owner]) && !ended[sid(i)] ->
       if
       :: !asleep[i] && holds[i] == 0 && !giving[i] -> waits[i] = 1
       :: skip                                                  /* one that was given up before */
       fi;
       grab[i] = judged; grabFor[i] = sid(i); grabEpoch[i] = epoch }
  :: d_step { grab[i] == judged ->
       if
#ifndef M_EPOCH_NOT_COMPARED
       :: epoch != grabEpoch[i] -> dropGrab(i)
#endif
       :: else -> owner = grabFor[i];
#ifndef M_NO_BUMP
         epoch++;
#endif
         if :: waits[i] -> grab[i] = done; grabEpoch[i] = epoch :: else -> dropGrab(i) fi
       fi }
  :: d_step { grab[i] == done && waits[i] && !asleep[i] ->
       holds[i] = grabEpoch[i];
#ifdef M_TRUST_FROM_GRANT
       trust[i] = TTL - MARGIN;
#endif
       dropGrab(i); oneActs() }
  :: d_step { waits[i] && !asleep[i] -> waits[i] = 0 }            /* given up, and granted maybe all the same */
  :: d_step { grab[i] == done && !waits[i] -> dropGrab(i) }

  /* -- release: stop first, then tell, until there is an answer -- */
  :: d_step { !asleep[i] && holds[i] > 0 && isFree(i) -> gave[i] = gave[i] | (1 << holds[i]); holds[i] = 0; giving[i] = 1 }
  :: d_step { giving[i] && !asleep[i] -> giving[i] = 0; if :: owner == sid(i) && isTermGiven(i) -> owner = 0 :: else fi }
  :: d_step { life[i] > 0 && owner == sid(i) && isTermGiven(i) -> owner = 0 }    /* not heard of, or asked twice */
  od
}

proctype Observers() {
  byte s;
end:
  do
  :: atomic { select (s : 1 .. SESSIONS);
       if
       :: isLive(s) && quiet[s] == unseen -> quiet[s] = 0         /* seen for the first time */
#ifdef M_REAP_BY_EXPIRY
       :: isLive(s) && !doomed[s] -> doomed[s] = 1
#else
       :: isLive(s) && quiet[s] == TTL && !doomed[s] -> doomed[s] = 1
#endif
       :: isLive(s) && doomed[s] -> ended[s] = 1; doomed[s] = 0; quiet[s] = unseen
       :: else
       fi;
       s = 0 }
  od
}

inline tick(i) {
  if
#ifndef M_NO_WALL_CLOCK
  :: asleep[i] -> trust[i] = 0; beat[i] = none; age[i] = 0       /* wall and monotonic time differ: no proof counts */
#else
  :: asleep[i]
#endif
  :: else ->
     if :: trust[i] > 0 -> trust[i] = trust[i] - 1 :: else fi;
     if
     :: beat[i] != none && age[i] == TTL - 1 -> beat[i] = none; age[i] = 0       /* too late to be a proof */
     :: beat[i] != none && age[i] < TTL - 1 -> age[i]++
     :: else
     fi
  fi
}

proctype Time() {
  byte n;
end:
  do
  :: d_step {
       n = 0; do :: n < AGENTS -> tick(n); n++ :: else -> break od;
       n = 1; do :: n <= SESSIONS -> if :: quiet[n] < TTL -> quiet[n]++ :: else fi; n++ :: else -> break od;
       n = 0 }
#ifdef SLEEP
  :: d_step { asleep[0] = 1 - asleep[0] }
#endif
  od
}

init {
  byte n;
  atomic {
    for (n : 1 .. SESSIONS) { quiet[n] = unseen }
    n = 0;
    do :: n < AGENTS -> life[n] = 1; run Agent(n); n++ :: else -> break od;
    n = 0;
    run Observers(); run Time()
  }
}
