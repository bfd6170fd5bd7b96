/*
 * One coarse timer wheel per engine: request, connect, answer, idle, half-close and lifetime limits.
 *
 * Lazy: a connection moves on the wheel only when its deadline comes nearer. When its bucket comes and the deadline has
 * moved away meanwhile (bytes have passed), it is put further back. So a message costs nothing here, and an idle
 * connection one visit per turn of the wheel (20 s).
 */
#include <sys/timerfd.h>

#include "internal.h"

#define VISITS_MAX 1024 /* a turn: a crowd that is due at once must not keep everybody else waiting */
#define REST_TICKS (250 / WHEEL_TICK_MS) /* the engine is driven four times a second at least: its heartbeat */

static uint32_t bucket_of(uint64_t tick) { return (uint32_t)(tick % WHEEL_BUCKETS); }

void timer_clear(struct engine *engine, struct connection *connection) {
  if (connection->wheel_bucket == 0) return;
  uint32_t bucket = connection->wheel_bucket - 1;
  if (connection->wheel_previous != NULL) {
    connection->wheel_previous->wheel_next = connection->wheel_next;
  } else {
    engine->wheel[bucket] = connection->wheel_next;
  }
  if (connection->wheel_next != NULL) connection->wheel_next->wheel_previous = connection->wheel_previous;
  if (engine->wheel[bucket] == NULL) engine->wheel_bits[bucket / 64] &= ~(1ull << (bucket % 64));
  connection->wheel_bucket = 0;
}

void timer_set(struct engine *engine, struct connection *connection, uint64_t deadline_ms) {
  if (deadline_ms == 0) return;
  if (connection->wheel_bucket != 0) {
    if (connection->wheel_due_ms <= deadline_ms) return;
    timer_clear(engine, connection);
  }
  uint64_t tick = deadline_ms / WHEEL_TICK_MS + 1;
  if (tick <= engine->wheel_tick) tick = engine->wheel_tick + 1;
  if (tick >= engine->wheel_tick + WHEEL_BUCKETS) tick = engine->wheel_tick + WHEEL_BUCKETS - 1;
  uint32_t bucket = bucket_of(tick);
  connection->wheel_due_ms = tick * WHEEL_TICK_MS;
  connection->wheel_bucket = bucket + 1;
  connection->wheel_previous = NULL;
  connection->wheel_next = engine->wheel[bucket];
  if (connection->wheel_next != NULL) connection->wheel_next->wheel_previous = connection;
  engine->wheel[bucket] = connection;
  engine->wheel_bits[bucket / 64] |= 1ull << (bucket % 64);
  if (connection->wheel_due_ms < engine->armed_ms) engine->arm_again = true;
}

static uint64_t deadline_of(const struct connection *connection) {
  bool streaming = connection->state == STATE_SPLICED || connection->state == STATE_RELAYING ||
                   connection->state == STATE_BRIDGED;
  return streaming ? splice_deadline(connection) : handshake_deadline(connection);
}

static void on_timeout(struct engine *engine, struct connection *connection) {
  switch (connection->state) {
    case STATE_SPLICED:
    case STATE_BRIDGED:
    case STATE_RELAYING: splice_timeout(engine, connection); break;
    case STATE_LINGERING: connection_end(engine, connection, (enum reason)connection->reason); break;
    default: handshake_timeout(engine, connection); break;
  }
}

/* The backend's socket gets its keepalive on the first visit, within one turn of the wheel: most short connections are
 * over by then and save five syscalls. */
static void keep_alive(struct engine *engine, struct connection *connection) {
  if (connection->kept_alive || connection->state != STATE_SPLICED) return;
  connection->kept_alive = true;
  keepalive_set(connection->backend.fd, &engine->options.keepalive);
}

/* False: there is more in it than this turn may visit. */
static bool run_bucket(struct engine *engine, uint32_t bucket, uint32_t *visits) {
  /* What is put back lands in a later bucket, so this list only shrinks. */
  while (engine->wheel[bucket] != NULL) {
    if (*visits == 0) return false;
    (*visits)--;
    struct connection *connection = engine->wheel[bucket];
    timer_clear(engine, connection);
    uint64_t deadline = deadline_of(connection);
    if (deadline == 0 || deadline > engine->now_ms) {
      keep_alive(engine, connection);
      timer_set(engine, connection, deadline);
    } else {
      on_timeout(engine, connection);
    }
  }
  return true;
}

void timer_run(struct engine *engine) {
  uint64_t now_tick = engine->now_ms / WHEEL_TICK_MS;
  uint32_t visits = VISITS_MAX;
  engine->arm_again = true;
  while (engine->bucket_left || engine->wheel_tick < now_tick) {
    if (!engine->bucket_left) engine->wheel_tick++;
    /* A long pause (a stopped process) needs each bucket once. */
    bool paused = !engine->bucket_left && now_tick - engine->wheel_tick >= WHEEL_BUCKETS;
    if (paused) engine->wheel_tick = now_tick - WHEEL_BUCKETS + 1;
    engine->bucket_left = !run_bucket(engine, bucket_of(engine->wheel_tick), &visits);
    if (!engine->bucket_left) continue;
    engine->timer_fired = true; /* the next turn goes on */
    return;
  }
}

void timer_arm(struct engine *engine) {
  if (!engine->arm_again) return;
  engine->arm_again = false;
  uint64_t tick = engine->wheel_tick + 1;
  uint64_t last = engine->now_ms / WHEEL_TICK_MS + (engine->closing ? 1 : REST_TICKS);
  while (tick < last && (engine->wheel_bits[bucket_of(tick) / 64] >> (bucket_of(tick) % 64) & 1) == 0) tick++;
  engine->armed_ms = tick * WHEEL_TICK_MS;
  struct itimerspec when = {.it_value = {.tv_sec = (time_t)(engine->armed_ms / 1000),
                                         .tv_nsec = (long)(engine->armed_ms % 1000) * 1000000}};
  timerfd_settime(engine->timerfd, TFD_TIMER_ABSTIME, &when, NULL);
}
