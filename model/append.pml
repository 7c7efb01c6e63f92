/*
 * Appends under a lease that may move at any moment. There is no time here at all, since nothing that is written may rest on it: an
 * agent that was stopped for an hour is a writer like any other. A step is what PostgreSQL's read committed makes one: a
 * statement judges in its snapshot, waits for the row's lock, sees that one row as it is by then, and commits.
 *
 * A mutant is this file with one rule taken out, -DM_…: spin has to find what then goes wrong.
 */
#define WRITERS 2
#ifndef GRANTS
#define GRANTS 3         /* grants in all */
#endif
#ifndef RECORDS
#define RECORDS 2        /* each with an id of its own; anybody may be asked to append any, again and again */
#endif
#define REQUESTS 2       /* appends under way at a time */
#define SPACE (RECORDS + 2)

mtype = { idle, asked, judged, locked };

/* ---- the database ---- */
byte owner;              /* the writer that the lease names, from 1; 0: none */
byte epoch;
byte lockedBy;           /* who has the lease's row, until it commits: a request, from 1; 0: nobody */
byte grants;             /* how many there were: nobody in the system knows */
byte high;               /* where the log ends: the partition's one row */
byte log[SPACE];         /* the record at each offset; 0: none */
bit isStored[RECORDS + 1];
bit isAcked[RECORDS + 1];

/* ---- what writers believe ---- */
byte term[WRITERS + 1];  /* epoch; 0: none */
byte termGrant[WRITERS + 1];
byte next[WRITERS + 1];  /* where the log ends */

/* what is found behind the lock, on the row as it is by then */
#ifdef M_NO_FENCE
#define isFenced false
#else
#define isFenced (epoch != under || owner != writer)
#endif

inline over() { writer = 0; record = 0; base = 0; under = 0; grant = 0; seenHigh = 0; state = idle }

proctype Request(byte me) {
  mtype state = idle;
  byte writer, record, base, under, grant, seenHigh;
end:
  do
  :: atomic { state == idle && (term[1] > 0 || term[2] > 0) ->
       if :: term[1] > 0 -> writer = 1 :: term[2] > 0 -> writer = 2 fi;
       select (record : 1 .. RECORDS);
       base = next[writer]; under = term[writer]; grant = termGrant[writer]; state = asked }
  :: d_step { state == asked ->                          /* the statement's snapshot */
       seenHigh = high;
#ifdef M_FENCE_FIRST
       if
       :: isFenced -> assert(!isStored[record]); over()
       :: else -> state = judged
       fi }
#else
       if
       :: isStored[record] -> isAcked[record] = 1;       /* as it was answered the first time, whoever leads now */
          over()
       :: else -> state = judged
       fi }
#endif
  :: d_step { state == judged && lockedBy == 0 ->
       if
       :: isFenced ->                                    /* nothing written: the reason is read afterwards, stored already before fenced */
          if :: isStored[record] -> isAcked[record] = 1 :: else fi;
          over()
       :: else ->
#ifndef M_ROW_NOT_HELD
          lockedBy = me;
#endif
          state = locked
       fi }
  :: d_step { state == locked ->                         /* compared and set, inserted, committed */
#ifdef M_READ_SEGMENTS
       if
       :: base == seenHigh && !isStored[record] ->
#else
       if
       :: base == high && !isStored[record] ->
#endif
          assert(grant == grants);                       /* no write of an earlier term is accepted */
          assert(log[base] == 0);                        /* what is stored stays */
          log[base] = record; isStored[record] = 1; high = base + 1
       :: else                                           /* a gap, an overlap, or stored meanwhile */
       fi;
       if :: lockedBy == me -> lockedBy = 0 :: else fi;
       if
       :: isStored[record] -> isAcked[record] = 1
       :: else
       fi;
       if :: term[writer] == under -> next[writer] = high :: else fi;
       over() }
  :: d_step { state == asked -> over() }     /* lost */
  od
}

/* The lease goes to anybody at any moment: whether that was right is the business of lease.pml. */
proctype Grant(byte writer) {
  mtype state = idle;
  byte seenHigh, granted, number;
end:
  do
  :: d_step { state == idle && grants < GRANTS -> seenHigh = high; state = asked }         /* its snapshot */
  :: d_step { state == asked && lockedBy == 0 ->
       if
       :: grants < GRANTS ->
          owner = writer; grants++; number = grants;
#ifdef M_NO_BUMP
          epoch = 1;
#else
          epoch++;
#endif
          granted = epoch; state = judged
       :: else -> seenHigh = 0; state = idle
       fi }
  :: d_step { state == judged ->                         /* a later statement: where the log ends */
       term[writer] = granted; termGrant[writer] = number;
#ifdef M_END_IN_GRANT
       next[writer] = seenHigh;
#else
       next[writer] = high;
#endif
       assert(next[writer] == high || grants != number); /* who leads begins where the log ends */
       seenHigh = 0; granted = 0; number = 0; state = idle }
  :: d_step { state == judged -> seenHigh = 0; granted = 0; number = 0; state = idle }                /* the answer is lost */
  od
}

/* Nothing that was acknowledged is lost, nor stored twice. */
proctype Reader() {
  byte at, record, count;
  atomic {
    select (record : 1 .. RECORDS);
    do
    :: at < high -> if :: log[at] == record -> count++ :: else fi; at++
    :: else -> break
    od;
    assert(count <= 1 && (!isAcked[record] || count == 1))
  }
}

init {
  atomic { run Request(1); run Request(2); run Grant(1); run Grant(2); run Reader() }
}
