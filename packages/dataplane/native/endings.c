/*
 * Ending an endpoint's or an owner's connections: moments spread evenly over a window, kept by the engine's one
 * timer.
 *
 * An order is walked through all connections twice, in slices of a turn: to count those that it is for, then to give each
 * its moment. A moment counts only while its order stands, which is looked up when it comes: so taking an order back, or
 * replacing it, is done at once and needs no walk. Of an endpoint's and an owner's order, the earlier moment ends the
 * connection. Orders are given by any thread; the rest is the driving one's.
 */
#include "endings.h"

#include <errno.h>

#include "internal.h"

#define RECORD_PATIENCE_MS 2000 /* how long an end waits for room in the access log */

void endings_init(struct endings *endings) { pthread_mutex_init(&endings->lock, NULL); }

void endings_free(struct endings *endings) {
  for (int kind = 0; kind < ENDING_KINDS; kind++) ending_table_free(&endings->tables[kind]);
  pthread_mutex_destroy(&endings->lock);
}

static bool order(struct engine *engine, enum ending_kind kind, const struct ending *wanted) {
  struct endings *endings = &engine->endings;
  bool added = false;
  pthread_mutex_lock(&endings->lock);
  struct ending *ending = ending_table_take(&endings->tables[kind], wanted->key, &added);
  int error = errno;
  if (ending != NULL) {
    if (++endings->numbers == 0) endings->numbers = 1;
    uint16_t next = ending->next;
    *ending = *wanted;
    ending->next = next;
    ending->number = endings->numbers;
    if (added) atomic_fetch_add_explicit(&endings->count, 1, memory_order_relaxed);
    atomic_store(&endings->asked, true);
  }
  pthread_mutex_unlock(&endings->lock);
  if (ending != NULL) engine_wake(engine);
  errno = error;
  return ending != NULL;
}

static void take_back(struct engine *engine, enum ending_kind kind, uint32_t key) {
  struct endings *endings = &engine->endings;
  pthread_mutex_lock(&endings->lock);
  if (ending_table_remove(&endings->tables[kind], key)) {
    atomic_fetch_sub_explicit(&endings->count, 1, memory_order_relaxed);
  }
  pthread_mutex_unlock(&endings->lock);
}

static struct ending wanted_of(uint32_t key, enum reason reason, uint32_t after_ms, uint32_t window_ms) {
  uint64_t first_ms = clock_us() / 1000 + after_ms;
  return (struct ending){.key = key, .reason = (uint8_t)reason, .first_ms = first_ms, .last_ms = first_ms + window_ms};
}

bool engine_end_endpoint(struct engine *engine, uint32_t slot, enum reason reason, uint32_t after_ms,
                         uint32_t window_ms) {
  struct ending wanted = wanted_of(slot, reason, after_ms, window_ms);
  errno = EINVAL;
  return slot != UINT32_MAX /* that is no endpoint */ && order(engine, ENDING_ENDPOINT, &wanted);
}

void engine_keep_endpoint(struct engine *engine, uint32_t slot) { take_back(engine, ENDING_ENDPOINT, slot); }

bool engine_end_owner(struct engine *engine, uint32_t owner, enum reason reason, uint32_t after_ms, uint32_t window_ms) {
  struct ending wanted = wanted_of(owner, reason, after_ms, window_ms);
  errno = EINVAL;
  return owner != 0 /* what has none */ && order(engine, ENDING_OWNER, &wanted);
}

void engine_keep_owner(struct engine *engine, uint32_t owner) { take_back(engine, ENDING_OWNER, owner); }

static uint32_t key_of(const struct connection *connection, enum ending_kind kind) {
  return kind == ENDING_ENDPOINT ? connection->slot : connection->owner;
}

/* The order of this kind that the connection is under; NULL: none. */
static struct ending *order_of(struct engine *engine, const struct connection *connection, enum ending_kind kind) {
  return ending_table_find(&engine->endings.tables[kind], key_of(connection, kind));
}

static void give(struct engine *engine, struct connection *connection, enum ending_kind kind,
                 const struct ending *ending, uint64_t at_ms) {
  connection->ending[kind] = ending->number;
  connection->ending_ms[kind] = at_ms;
  timer_set(engine, connection, splice_deadline(connection));
}

/* 0, 1/2, 1/4, 3/4, 1/8, … of 2^32: even for every number of connections, so it need not be known. */
static uint32_t bits_reversed(uint32_t value) {
  uint32_t reversed = 0;
  for (int bit = 0; bit < 32; bit++) reversed |= (value >> bit & 1) << (31 - bit);
  return reversed;
}

static void apply(struct engine *engine, struct connection *connection, enum ending_kind kind) {
  struct ending *ending = order_of(engine, connection, kind);
  if (ending == NULL) return;
  uint64_t from_ms = ending->first_ms > engine->now_ms ? ending->first_ms : engine->now_ms;
  uint64_t window_ms = ending->last_ms > from_ms ? ending->last_ms - from_ms : 0;
  give(engine, connection, kind, ending, from_ms + (window_ms * bits_reversed(ending->later++) >> 32));
}

void endings_apply(struct engine *engine, struct connection *connection) {
  struct endings *endings = &engine->endings;
  if (atomic_load_explicit(&endings->count, memory_order_relaxed) == 0) return;
  pthread_mutex_lock(&endings->lock);
  for (int kind = 0; kind < ENDING_KINDS; kind++) apply(engine, connection, (enum ending_kind)kind);
  pthread_mutex_unlock(&endings->lock);
}

static bool is_walked(const struct endings *endings, const struct ending *ending) {
  return ending->number - endings->walk_from - 1 < endings->walk_to - endings->walk_from;
}

static void visit(struct engine *engine, struct connection *connection, enum ending_kind kind) {
  struct endings *endings = &engine->endings;
  struct ending *ending = order_of(engine, connection, kind);
  if (ending == NULL || !is_walked(endings, ending) || connection->ending[kind] == ending->number) return;
  if (endings->walk == WALK_COUNTING) {
    ending->counted++;
    return;
  }
  uint64_t window_ms = ending->last_ms - ending->first_ms;
  uint64_t share_ms = ending->counted > 1 ? window_ms * ending->given / (ending->counted - 1) : 0;
  ending->given++;
  give(engine, connection, kind, ending, ending->first_ms + share_ms);
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
  for (; endings->cursor < end; endings->cursor++) {
    struct connection *connection = connection_at(engine, endings->cursor);
    if (connection->state != STATE_SPLICED) continue;
    for (int kind = 0; kind < ENDING_KINDS; kind++) visit(engine, connection, (enum ending_kind)kind);
  }
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

uint64_t endings_moment(const struct connection *connection) {
  uint64_t endpoint_ms = connection->ending_ms[ENDING_ENDPOINT], owner_ms = connection->ending_ms[ENDING_OWNER];
  return endpoint_ms == 0 || (owner_ms != 0 && owner_ms < endpoint_ms) ? owner_ms : endpoint_ms;
}

/* Takes the moments away whose orders no longer stand; the order whose moment is the earliest that has come. */
static struct ending earliest(struct engine *engine, struct connection *connection, enum ending_kind *first) {
  struct ending found = {.number = 0};
  for (int kind = 0; kind < ENDING_KINDS; kind++) {
    uint64_t at_ms = connection->ending_ms[kind];
    if (at_ms == 0 || at_ms > engine->now_ms) continue;
    const struct ending *ending = order_of(engine, connection, (enum ending_kind)kind);
    if (ending == NULL || ending->number != connection->ending[kind]) {
      connection->ending_ms[kind] = 0;
    } else if (found.number == 0 || at_ms < connection->ending_ms[*first]) {
      found = *ending;
      *first = (enum ending_kind)kind;
    }
  }
  return found;
}

bool endings_due(struct engine *engine, struct connection *connection, enum reason *reason) {
  enum ending_kind first = ENDING_ENDPOINT;
  pthread_mutex_lock(&engine->endings.lock);
  struct ending ending = earliest(engine, connection, &first);
  pthread_mutex_unlock(&engine->endings.lock);
  if (ending.number == 0) return false;
  if (engine->now_ms < ending.last_ms + RECORD_PATIENCE_MS && !log_ring_has_room(&engine->log)) {
    for (int kind = 0; kind < ENDING_KINDS; kind++) { /* the first stays the first */
      bool due = connection->ending_ms[kind] != 0 && connection->ending_ms[kind] <= engine->now_ms;
      if (due) connection->ending_ms[kind] = engine->now_ms + WHEEL_TICK_MS + ((enum ending_kind)kind != first);
    }
    return false;
  }
  *reason = (enum reason)ending.reason;
  return true;
}
