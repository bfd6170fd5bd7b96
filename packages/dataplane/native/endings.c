/*
 * Ending an endpoint's connections: moments spread evenly over a window, kept by the engine's one timer.
 *
 * An order is walked through all connections twice, in slices of a turn: to count the endpoint's, then to give each its
 * moment. A moment counts only while its order stands, which is looked up when it comes: so taking an order back, or
 * replacing it, is done at once and needs no walk. Orders are given by any thread; the rest is the driving one's.
 */
#include "endings.h"

#include <errno.h>
#include <stdlib.h>

#include "internal.h"

#define RECORD_PATIENCE_MS 2000 /* how long an end waits for room in the access log */

void endings_init(struct endings *endings) { pthread_mutex_init(&endings->lock, NULL); }

void endings_free(struct endings *endings) {
  free(endings->all);
  free(endings->chains);
  pthread_mutex_destroy(&endings->lock);
}

static bool allocate(struct endings *endings) {
  if (endings->all != NULL) return true;
  struct ending *all = calloc(ENDINGS_MAX, sizeof *all);
  uint16_t *chains = calloc(ENDING_CHAINS, sizeof *chains);
  if (all == NULL || chains == NULL) {
    free(all);
    free(chains);
    return false;
  }
  for (uint16_t place = 0; place < ENDINGS_MAX - 1; place++) all[place].next = (uint16_t)(place + 2);
  endings->all = all;
  endings->chains = chains;
  endings->unused = 1;
  return true;
}

/* The link that names the slot's order, or the end of the chain where it would be. */
static uint16_t *find_link(struct endings *endings, uint32_t slot) {
  uint16_t *link = &endings->chains[slot % ENDING_CHAINS];
  while (*link != 0 && endings->all[*link - 1].slot != slot) link = &endings->all[*link - 1].next;
  return link;
}

static struct ending *find(struct endings *endings, uint32_t slot) {
  if (endings->all == NULL) return NULL;
  uint16_t link = *find_link(endings, slot);
  return link != 0 ? &endings->all[link - 1] : NULL;
}

/* The slot's order, an empty one when there was none; NULL: no room. */
static struct ending *take(struct endings *endings, uint32_t slot) {
  errno = ENOMEM;
  if (!allocate(endings)) return NULL;
  uint16_t *link = find_link(endings, slot);
  if (*link != 0) return &endings->all[*link - 1];
  errno = ENOSPC;
  if (endings->unused == 0) return NULL;
  *link = endings->unused;
  struct ending *ending = &endings->all[*link - 1];
  endings->unused = ending->next;
  ending->next = 0;
  atomic_fetch_add_explicit(&endings->count, 1, memory_order_relaxed);
  return ending;
}

bool engine_end_endpoint(struct engine *engine, uint32_t slot, enum reason reason, uint32_t after_ms,
                         uint32_t window_ms) {
  struct endings *endings = &engine->endings;
  uint64_t first_ms = clock_us() / 1000 + after_ms;
  errno = EINVAL;
  if (slot == UINT32_MAX) return false; /* that is no endpoint */
  pthread_mutex_lock(&endings->lock);
  struct ending *ending = take(endings, slot);
  if (ending != NULL) {
    if (++endings->numbers == 0) endings->numbers = 1;
    *ending = (struct ending){.slot = slot,
                              .number = endings->numbers,
                              .next = ending->next,
                              .reason = (uint8_t)reason,
                              .first_ms = first_ms,
                              .last_ms = first_ms + window_ms};
    atomic_store(&endings->asked, true);
  }
  pthread_mutex_unlock(&endings->lock);
  if (ending != NULL) engine_wake(engine);
  return ending != NULL;
}

void engine_keep_endpoint(struct engine *engine, uint32_t slot) {
  struct endings *endings = &engine->endings;
  pthread_mutex_lock(&endings->lock);
  uint16_t *link = endings->all != NULL ? find_link(endings, slot) : NULL;
  if (link != NULL && *link != 0) {
    uint16_t place = *link;
    struct ending *ending = &endings->all[place - 1];
    *link = ending->next;
    ending->next = endings->unused;
    endings->unused = place;
    atomic_fetch_sub_explicit(&endings->count, 1, memory_order_relaxed);
  }
  pthread_mutex_unlock(&endings->lock);
}

static void give(struct engine *engine, struct connection *connection, const struct ending *ending, uint64_t at_ms) {
  connection->ending = ending->number;
  connection->ending_ms = at_ms;
  timer_set(engine, connection, splice_deadline(connection));
}

/* 0, 1/2, 1/4, 3/4, 1/8, … of 2^32: even for every number of connections, so it need not be known. */
static uint32_t bits_reversed(uint32_t value) {
  uint32_t reversed = 0;
  for (int bit = 0; bit < 32; bit++) reversed |= (value >> bit & 1) << (31 - bit);
  return reversed;
}

void endings_apply(struct engine *engine, struct connection *connection) {
  struct endings *endings = &engine->endings;
  if (atomic_load_explicit(&endings->count, memory_order_relaxed) == 0) return;
  pthread_mutex_lock(&endings->lock);
  struct ending *ending = find(endings, connection->slot);
  if (ending != NULL) {
    uint64_t from_ms = ending->first_ms > engine->now_ms ? ending->first_ms : engine->now_ms;
    uint64_t window_ms = ending->last_ms > from_ms ? ending->last_ms - from_ms : 0;
    give(engine, connection, ending, from_ms + (window_ms * bits_reversed(ending->later++) >> 32));
  }
  pthread_mutex_unlock(&endings->lock);
}

static bool is_walked(const struct endings *endings, const struct ending *ending) {
  return ending->number - endings->walk_from - 1 < endings->walk_to - endings->walk_from;
}

static void visit(struct engine *engine, struct connection *connection) {
  struct endings *endings = &engine->endings;
  if (connection->state != STATE_SPLICED) return;
  struct ending *ending = find(endings, connection->slot);
  if (ending == NULL || !is_walked(endings, ending) || connection->ending == ending->number) return;
  if (endings->walk == WALK_COUNTING) {
    ending->counted++;
    return;
  }
  uint64_t window_ms = ending->last_ms - ending->first_ms;
  uint64_t share_ms = ending->counted > 1 ? window_ms * ending->given / (ending->counted - 1) : 0;
  ending->given++;
  give(engine, connection, ending, ending->first_ms + share_ms);
}

static void begin_walk(struct endings *endings) {
  atomic_store(&endings->asked, false);
  endings->walk = WALK_COUNTING;
  endings->cursor = 0;
  endings->walk_from = endings->walk_to;
  endings->walk_to = endings->numbers;
}

static void walk_on(struct engine *engine) {
  struct endings *endings = &engine->endings;
  if (endings->walk == WALK_NONE) begin_walk(endings);
  uint32_t places = engine->slab_count * SLAB_SIZE;
  uint32_t end = endings->cursor + ENDINGS_SLICE < places ? endings->cursor + ENDINGS_SLICE : places;
  for (; endings->cursor < end; endings->cursor++) visit(engine, connection_at(engine, endings->cursor));
  if (endings->cursor < places) return;
  endings->walk = endings->walk == WALK_COUNTING ? WALK_GIVING : WALK_NONE;
  endings->cursor = 0;
}

bool endings_left(struct engine *engine) {
  return engine->endings.walk != WALK_NONE || atomic_load_explicit(&engine->endings.asked, memory_order_relaxed);
}

void endings_run(struct engine *engine) {
  if (!endings_left(engine)) return;
  pthread_mutex_lock(&engine->endings.lock);
  walk_on(engine);
  pthread_mutex_unlock(&engine->endings.lock);
}

bool endings_due(struct engine *engine, struct connection *connection, enum reason *reason) {
  struct endings *endings = &engine->endings;
  pthread_mutex_lock(&endings->lock);
  const struct ending *ending = find(endings, connection->slot);
  bool stands = ending != NULL && ending->number == connection->ending;
  uint64_t patience_ms = stands ? ending->last_ms + RECORD_PATIENCE_MS : 0;
  enum reason ordered = stands ? (enum reason)ending->reason : REASON_COUNT;
  pthread_mutex_unlock(&endings->lock);
  if (!stands) {
    connection->ending_ms = 0;
    return false;
  }
  if (engine->now_ms < patience_ms && !log_ring_has_room(&engine->log)) {
    connection->ending_ms = engine->now_ms + WHEEL_TICK_MS;
    return false;
  }
  *reason = ordered;
  return true;
}
