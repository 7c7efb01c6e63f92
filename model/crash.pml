/*
 * Crashed before its TTL: one agent whose connection holds a lock, and an observer that ends its session when the lock has vanished.
 * Ticks of half a grace. The connection may be lost, the agent may crash, the server may crash and lose all locks, the observer's
 * connection may be lost; the agent hears of its own loss before the next tick, unless it is stalled.
 *
 * With -DSTALLS an agent may be stalled just when the server's half of its connection is cut: the one gap that is left, and said to
 * be (src/domain/README.md, "Crashed before its TTL"); spin has to find it, or the words are wrong.
 *
 * A mutant is this file with one rule taken out, -DM_…: spin has to find what then goes wrong.
 */
#define GRACE 2          /* ticks that a lock must be missing */
#define LIMIT 1          /* ticks that an agent may act after its connection was lost */
#define TRUST 4          /* ticks that a heartbeat gives; a TTL is beyond what is looked at here */
#define KEYS 3           /* connections that the agent makes, one after the other */

byte key = 1;            /* of the agent's connection */
bit isConnected = 1;     /* the agent's half */
bit isLockHeld = 1;      /* the server's half */
byte trust = TRUST;
bit isStalled;
bit isBeating;           /* executed, and not answered yet */
byte beatKey;            /* the connection it was sent on */

byte rowKey = 1;         /* as the last heartbeat told it */
bit ended;

bit isWatching;          /* the observer saw the lock held on its present connection */
byte watchedKey;
byte missing;            /* ticks for which it has been missing; unseen: it is held */
#define unseen 9
bit isSame;              /* the session's beat is still the one that was seen */
bit hasServerCrashed;    /* since the observer last saw a lock held: nobody in the system knows */

#ifdef M_NO_LIMIT
#define hearsOfLoss skip
#else
#define hearsOfLoss if :: trust > LIMIT -> trust = LIMIT :: else fi
#endif

inline look() { isWatching = 0; missing = unseen; isSame = 0; hasServerCrashed = 0; watchedKey = 0 }

proctype Agent() {
end:
  do
  :: d_step { !isStalled && isConnected && !isLockHeld -> isConnected = 0; isBeating = 0; hearsOfLoss }
  :: d_step { !isStalled && !isConnected && key < KEYS -> key++; isConnected = 1; isLockHeld = 1 }
  :: d_step { !isStalled && isConnected && isLockHeld && !isBeating && !ended ->
       isBeating = 1; beatKey = key; rowKey = key; isSame = 0 }
  :: d_step { !isStalled && isBeating && beatKey == key -> isBeating = 0; beatKey = 0; trust = TRUST }
  :: d_step { isBeating && !isStalled -> isBeating = 0; beatKey = 0 }
  od
}

proctype Observer() {
end:
  do
  :: d_step { !ended && isLockHeld && rowKey == key ->
       isWatching = 1; watchedKey = key; missing = unseen; isSame = 1; hasServerCrashed = 0 }
  :: d_step { !ended && isWatching && watchedKey == rowKey && missing == unseen && !(isLockHeld && rowKey == key) ->
       missing = 0; isSame = 1; watchedKey = rowKey }
  :: d_step { !ended && missing != unseen && !isSame -> look() }         /* who beats on is alive */
  :: d_step { look() }                                                   /* its own connection is made anew */
#ifdef M_NO_GRACE
  :: d_step { !ended && missing != unseen ->
#else
  :: d_step { !ended && missing != unseen && missing >= GRACE ->
#endif
#ifndef M_REAP_NO_COMPARE
       if
       :: isSame && rowKey == watchedKey && !(isLockHeld && key == rowKey) ->
#endif
       assert(trust == 0);                                               /* nobody is ended who acts */
       assert(!hasServerCrashed);                                        /* nor because the server lost its locks */
       ended = 1
#ifndef M_REAP_NO_COMPARE
       :: else -> look()
       fi
#endif
     }
  od
}

proctype World() {
end:
  do
  :: d_step { isConnected && isLockHeld -> isLockHeld = 0 }              /* the connection is cut */
#ifndef M_SURVIVES_SERVER
  :: d_step { isLockHeld = 0; look() }                                   /* the server crashes, and with it every connection */
#else
  :: d_step { isLockHeld = 0; hasServerCrashed = isWatching }
#endif
#ifdef STALLS
  :: d_step { !isStalled -> isStalled = 1 }
  :: d_step { isStalled -> isStalled = 0 }
#endif
  :: d_step { isStalled || !(isConnected && !isLockHeld) ->              /* a tick */
       if :: trust > 0 -> trust = trust - 1 :: else fi;
       if :: missing < GRACE -> missing++ :: else fi }
  od
}

init { missing = unseen; atomic { run Agent(); run Observer(); run World() } }
