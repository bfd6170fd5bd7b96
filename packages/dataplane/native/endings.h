/*
 * Orders to end connections, as the embedder gives them from any thread: those of an endpoint, those of an owner,
 * which is what the embedder numbers routes at listeners by.
 *
 * They are the engine's and stand until they are taken back: a worker's death changes nothing about them. Everything here
 * but the walk is under the lock; without any order, a splice looks at `count` alone. A connection may be under one order
 * of each kind; neither knows of the other.
 */
#ifndef SLUICE_ENDINGS_H
#define SLUICE_ENDINGS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define ENDINGS_MAX 16384 /* orders of a kind that one engine takes */
#define ENDING_CHAINS 4096
#define ENDINGS_SLICE 4096 /* connections that a turn walks through */

enum ending_kind { ENDING_ENDPOINT, ENDING_OWNER, ENDING_KINDS };
enum endings_walk { WALK_NONE, WALK_COUNTING, WALK_GIVING };

struct ending {
  uint32_t key;    /* an endpoint's slot, or an owner */
  uint32_t number; /* never 0, never an earlier order's: what it has given is known by it */
  uint16_t next;   /* of its chain, or of the free ones: place + 1, 0: none */
  uint8_t reason;
  uint32_t counted, given; /* of the connections that were there */
  uint32_t later;          /* connections spliced since */
  uint64_t first_ms, last_ms;
};

/* The orders of one kind, by key. */
struct ending_table {
  struct ending *all; /* ENDINGS_MAX, made with the first order */
  uint16_t *chains;
  uint16_t unused; /* place + 1 */
};

struct endings {
  pthread_mutex_t lock;
  struct ending_table tables[ENDING_KINDS];
  uint32_t numbers;
  _Atomic uint32_t count; /* orders that stand */
  _Atomic bool asked;     /* there are orders that no walk has begun with */
  /* The driving thread's: the walk with the orders behind number `walk_from`, up to `walk_to`. */
  enum endings_walk walk;
  uint32_t cursor, walk_from, walk_to;
};

/* ending_table.c; under the lock */
void ending_table_free(struct ending_table *table);
/* The key's order; NULL: none. */
struct ending *ending_table_find(const struct ending_table *table, uint32_t key);
/* The key's order, a new one (`added`) when there was none, with its key and link set; NULL, with errno: no room. */
struct ending *ending_table_take(struct ending_table *table, uint32_t key, bool *added);
/* False: there was none. */
bool ending_table_remove(struct ending_table *table, uint32_t key);

#endif
