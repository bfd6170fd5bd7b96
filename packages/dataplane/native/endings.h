/*
 * Orders to end the connections of an endpoint, as the embedder gives them from any thread.
 *
 * They are the engine's and stand until they are taken back: a worker's death changes nothing about them. Everything here
 * but the walk is under the lock; without any order, a splice looks at `count` alone.
 */
#ifndef SLUICE_ENDINGS_H
#define SLUICE_ENDINGS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define ENDINGS_MAX 16384 /* endpoints of one engine with an order */
#define ENDING_CHAINS 4096
#define ENDINGS_SLICE 4096 /* connections that a turn walks through */

enum endings_walk { WALK_NONE, WALK_COUNTING, WALK_GIVING };

struct ending {
  uint32_t slot;
  uint32_t number; /* never 0, never an earlier order's: what it has given is known by it */
  uint16_t next;   /* of its chain, or of the free ones: place + 1, 0: none */
  uint8_t reason;
  uint32_t counted, given; /* of the connections that were there */
  uint32_t later;          /* connections spliced since */
  uint64_t first_ms, last_ms;
};

struct endings {
  pthread_mutex_t lock;
  struct ending *all; /* ENDINGS_MAX, made with the first order */
  uint16_t *chains;
  uint16_t unused;    /* place + 1 */
  uint32_t numbers;
  _Atomic uint32_t count; /* orders that stand */
  _Atomic bool asked;     /* there are orders that no walk has begun with */
  /* The driving thread's: the walk with the orders behind number `walk_from`, up to `walk_to`. */
  enum endings_walk walk;
  uint32_t cursor, walk_from, walk_to;
};

#endif
