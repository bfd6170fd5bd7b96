/*
 * The engine's turn: what has happened on its sockets, what was left over, what was handed over, what is due.
 *
 * Edge-triggered, so every event is either handled or kept: a turn that stops early keeps its batch, a thread that dies
 * leaves batch and ready list to the next one.
 */
#include <errno.h>

#include "internal.h"

#define TLS_SLICE_US 500 /* of a turn, for steps of TLS handshakes; one is made at least, which may take a millisecond */
#define CLOSING_PATIENCE_MS 2000 /* how long close_all waits for room in the access log without making any way */

void engine_clock(struct engine *engine) {
  engine->now_us = clock_us();
  engine->now_ms = engine->now_us / 1000;
}

/* One writer a counter: load and store are enough, and cheaper than a locked add. */
void counter_add(_Atomic uint64_t *counter, uint64_t amount) {
  uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
  atomic_store_explicit(counter, value + amount, memory_order_relaxed);
}

int engine_poll_fd(const struct engine *engine) { return engine->epfd; }

void engine_set_active_column(struct engine *engine, int32_t *column, uint32_t slots) {
  engine->active_column = column;
  engine->active_slots = slots;
}

/* A connection is on one of the two lists at most; either runs it in the state that it is in by then. */
static void list_push(struct engine *engine, struct connection *connection, struct connection **head,
                      struct connection **tail) {
  if (connection->on_ready) return;
  connection->on_ready = true;
  connection->ready_next = NULL;
  if (*tail != NULL) {
    (*tail)->ready_next = connection;
  } else {
    *head = connection;
  }
  *tail = connection;
  if (!engine->turning) engine_wake(engine);
}

static struct connection *list_pop(struct connection **head, struct connection **tail) {
  struct connection *connection = *head;
  *head = connection->ready_next;
  if (*head == NULL) *tail = NULL;
  connection->on_ready = false;
  return connection;
}

void ready_push(struct engine *engine, struct connection *connection) {
  list_push(engine, connection, &engine->ready_head, &engine->ready_tail);
}

void tls_push(struct engine *engine, struct connection *connection) {
  list_push(engine, connection, &engine->tls_head, &engine->tls_tail);
}

static void dispatch(struct engine *engine, const struct epoll_event *event) {
  uint64_t name = event->data.u64;
  if (name == UINT64_MAX - (uint64_t)engine->timerfd) {
    engine->timer_fired = true;
    return;
  }
  if (name == UINT64_MAX - (uint64_t)engine->wakefd) {
    atomic_store(&engine->wake_pending, false);
    return;
  }
  struct connection *connection = connection_at(engine, (uint32_t)(name >> 1) & (CONNECTIONS_MAX - 1));
  if (connection == NULL || connection->generation != (uint32_t)(name >> 32)) return;
  connection_event(engine, connection, name & 1, event->events);
}

static bool run_batch(struct engine *engine) {
  if (engine->batch_at >= engine->batch_length) {
    int count = epoll_wait(engine->epfd, engine->batch, BATCH_MAX, 0);
    engine->batch_length = count > 0 ? count : 0;
    engine->batch_at = 0;
  }
  while (engine->batch_at < engine->batch_length) {
    if (!events_room(engine)) return false;
    dispatch(engine, &engine->batch[engine->batch_at++]);
  }
  return true;
}

/* Each connection that is on the list now, once: what comes back waits for the next turn. */
static bool run_ready(struct engine *engine) {
  struct connection *last = engine->ready_tail;
  while (engine->ready_head != NULL) {
    if (!events_room(engine)) return false;
    struct connection *connection = list_pop(&engine->ready_head, &engine->ready_tail);
    bool was_last = connection == last;
    connection_run(engine, connection);
    if (was_last) break;
  }
  return true;
}

/* TLS handshakes: as many steps as fit a slice of time, the rest when everybody else has had another turn. */
static bool run_tls(struct engine *engine) {
  if (engine->tls_head == NULL) return true;
  uint64_t until = clock_us() + TLS_SLICE_US;
  do {
    if (!events_room(engine)) return false;
    connection_step_tls(engine, list_pop(&engine->tls_head, &engine->tls_tail));
  } while (engine->tls_head != NULL && clock_us() < until);
  return true;
}

static bool take_handovers(struct engine *engine) {
  if (!engine->deciding || atomic_load(&engine->state) != ENGINE_READY) return true;
  struct handover handover;
  for (;;) {
    if (!events_room(engine)) return false;
    if (!engine_pop(engine, &handover)) return true;
    connection_open(engine, &handover);
  }
}

static void begin_close_all(struct engine *engine) {
  int asked = atomic_exchange(&engine->close_all, 0);
  if (asked == 0) return;
  engine->closing = true;
  engine->close_cursor = 0;
  engine->close_reason = (uint8_t)(asked - 1);
  engine->closing_ms = engine->now_ms;
}

/* Without a reader the ring stays full: then records are dropped and counted rather than connections kept. */
static bool may_close(struct engine *engine) {
  return log_ring_has_room(&engine->log) || engine->now_ms - engine->closing_ms > CLOSING_PATIENCE_MS;
}

/* Ends what there is, pausing while the access log is full: the timer comes back a tick later. */
static void run_close_all(struct engine *engine) {
  begin_close_all(engine);
  if (!engine->closing) return;
  enum reason reason = (enum reason)engine->close_reason;
  struct handover handover;
  while (may_close(engine) && engine_pop(engine, &handover)) connection_turn_away(engine, &handover, reason);
  for (; engine->close_cursor < engine->slab_count * SLAB_SIZE; engine->close_cursor++) {
    struct connection *connection = connection_at(engine, engine->close_cursor);
    if (connection->state == STATE_FREE || connection->state == STATE_ENDED) continue;
    if (!may_close(engine)) {
      engine->arm_again = true;
      return;
    }
    connection_end(engine, connection, reason);
    engine->closing_ms = engine->now_ms;
  }
  engine->closing = atomic_load(&engine->queued) > 0;
  engine->arm_again = true;
}

bool engine_turn(struct engine *engine) {
  engine->turning = true;
  engine_clock(engine);
  atomic_store_explicit(&engine->heartbeat_ms, engine->now_ms, memory_order_relaxed);
  if (!run_batch(engine) || !run_ready(engine) || !take_handovers(engine) || !run_tls(engine)) {
    return true;
  }
  run_close_all(engine);
  endings_run(engine);
  if (engine->timer_fired) {
    engine->timer_fired = false;
    timer_run(engine);
  }
  timer_arm(engine);
  return false;
}

void engine_rest(struct engine *engine) {
  timer_arm(engine);
  engine->turning = false;
  bool left = engine->ready_head != NULL || engine->tls_head != NULL || engine->notice_head != NULL || engine->batch_at < engine->batch_length;
  /* A turn that stopped early has not come to these, and their wake-up is used up. */
  bool takes = engine->deciding && atomic_load(&engine->state) == ENGINE_READY;
  left = left || engine->timer_fired || endings_left(engine) || (takes && atomic_load(&engine->queued) > 0);
  if (left) engine_wake(engine);
}

bool engine_attach(struct engine *engine, bool deciding) {
  if (atomic_exchange(&engine->attached, true)) return false;
  engine_clock(engine);
  atomic_store(&engine->heartbeat_ms, engine->now_ms);
  engine->deciding = deciding;
  engine->arm_again = true;
  if (deciding) {
    atomic_store(&engine->state, ENGINE_STARTING);
  } else {
    engine_redistribute(engine); /* another engine may be ready by now */
  }
  for (uint32_t index = 0; deciding && index < engine->slab_count * SLAB_SIZE; index++) {
    struct connection *connection = connection_at(engine, index);
    if (connection->state == STATE_READING_REQUEST) ready_push(engine, connection);
  }
  engine_wake(engine);
  return true;
}

void engine_ready(struct engine *engine) {
  atomic_store(&engine->state, ENGINE_READY);
  engine_wake(engine);
}

static void stop_accepting(struct engine *engine) {
  pthread_mutex_lock(&engine->queue_lock); /* no hand-over can be between the check and the push */
  atomic_store(&engine->state, ENGINE_DEAD);
  pthread_mutex_unlock(&engine->queue_lock);
}

void engine_fail(struct engine *engine) { stop_accepting(engine); }

/* What ends with its thread: what it had to decide about, and whose other end it has. */
static bool needs_thread(const struct connection *connection) {
  enum connection_state state = (enum connection_state)connection->state;
  if (state == STATE_FREE || state == STATE_LINGERING) return false;
  return (state >= STATE_DECIDING && state <= STATE_DECIDING_RESPONSE) || state == STATE_DETACHED ||
         state == STATE_ENDED || connection->pair != PAIR_NONE;
}

void engine_detach(struct engine *engine) {
  if (engine->deciding) {
    stop_accepting(engine);
    engine->deciding = false;
    engine->notice_head = engine->notice_tail = engine->ended_head = NULL;
    engine_clock(engine);
    for (uint32_t index = 0; index < engine->slab_count * SLAB_SIZE; index++) {
      struct connection *connection = connection_at(engine, index);
      connection->on_notices = false;
      connection->notice = NOTICE_NONE;
      if (!needs_thread(connection)) continue;
      bool ended = connection->state == STATE_ENDED; /* its own reason stands, only nobody was told */
      connection_end(engine, connection, ended ? (enum reason)connection->reason : REASON_WORKER_LOST);
    }
    requests_drop(engine);
    engine_redistribute(engine);
  }
  engine->events_length = 0;
  engine->turning = false;
  atomic_store(&engine->attached, false);
}
