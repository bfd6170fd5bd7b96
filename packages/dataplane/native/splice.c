/*
 * The splice: bytes from one socket to the other, as fast as the kernel allows, and not one of them lost.
 *
 * Read, then send at once. What the other socket does not take is kept (one buffer a side at most) and nothing more is
 * read until it has drained; when the engine may keep no more, bytes stay in the kernel until they can be sent. No syscall
 * here that a message does not need: one recv, one send.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* One direction of a spliced connection. */
struct direction {
  struct side *from, *to;
  uint64_t *bytes, *active_ms;
  _Atomic uint64_t *total; /* NULL: not counted here */
  uint8_t *first_eof;
  bool up;
};

static struct direction direction_of(struct engine *engine, struct connection *connection, bool up) {
  struct side *client = &connection->client, *backend = &connection->backend;
  bool counted = connection->state == STATE_SPLICED;
  _Atomic uint64_t *total = counted ? meters_cell(engine, connection, up ? METER_BYTES_UP : METER_BYTES_DOWN) : NULL;
  if (up) {
    return (struct direction){client, backend, &connection->bytes_up, &connection->client_active_ms, total,
                              &connection->first_eof, true};
  }
  return (struct direction){backend, client, &connection->bytes_down, &connection->backend_active_ms, total,
                            &connection->first_eof, false};
}

static bool may_keep(const struct engine *engine) {
  uint64_t kept = atomic_load_explicit(&engine->pending_bytes, memory_order_relaxed);
  return kept + SCRATCH_BYTES <= engine->options.pending_bytes_max;
}

/* Sends what was read and keeps the rest; -1 when the socket is broken. */
static ssize_t send_or_keep(struct engine *engine, const struct direction *direction, size_t length) {
  bool broken = side_send(engine, direction->to, engine->scratch, length) == SEND_ERROR;
  return broken ? -1 : (ssize_t)length;
}

/* With the engine's memory for slow readers used up: sends what was peeked at, and takes only what was sent. */
static ssize_t send_and_take(struct engine *engine, const struct direction *direction, size_t length) {
  ssize_t sent = side_send_some(engine, direction->to, engine->scratch, length);
  if (sent > 0) sent = side_receive(direction->from, engine->scratch, (size_t)sent);
  if (sent >= 0 && (size_t)sent < length) direction->from->readable = true;
  return sent;
}

static enum pump_status pump(struct engine *engine, const struct direction *direction) {
  struct side *from = direction->from, *to = direction->to;
  if (to->broken) return PUMP_IDLE;
  if (side_flush(engine, to) == SEND_ERROR) return PUMP_TO_ERROR;
  for (int budget = PUMP_BUDGET; budget > 0; budget--) {
    if (!from->readable || from->eof || to->pending_length > 0) return PUMP_IDLE;
    bool keeps = may_keep(engine);
    if (!keeps && !to->writable) return PUMP_IDLE;
    ssize_t count = keeps ? side_receive(from, engine->scratch, SCRATCH_BYTES)
                          : side_peek(from, engine->scratch, side_some(to));
    if (count < 0 && errno != EAGAIN) return PUMP_FROM_ERROR;
    if (count == 0) {
      from->eof = true;
      if (*direction->first_eof == EOF_NONE) *direction->first_eof = direction->up ? EOF_CLIENT : EOF_BACKEND;
    }
    if (count <= 0) return count < 0 && from->readable ? PUMP_MORE : PUMP_IDLE;
    count = keeps ? send_or_keep(engine, direction, (size_t)count) : send_and_take(engine, direction, (size_t)count);
    if (count < 0) return PUMP_TO_ERROR;
    *direction->bytes += (uint64_t)count;
    *direction->active_ms = engine->now_ms;
    if (direction->total != NULL) counter_add(direction->total, (uint64_t)count);
  }
  return from->readable && to->pending_length == 0 && to->writable ? PUMP_MORE : PUMP_IDLE;
}

enum pump_status splice_pump(struct engine *engine, struct connection *connection, bool up) {
  struct direction direction = direction_of(engine, connection, up);
  return pump(engine, &direction);
}

enum reason splice_lost(bool client) {
  bool vanished = errno == ETIMEDOUT || errno == EHOSTUNREACH || errno == ENETUNREACH || errno == EHOSTDOWN;
  if (client) return vanished ? REASON_CLIENT_VANISHED : REASON_CLIENT_RESET;
  return vanished ? REASON_BACKEND_VANISHED : REASON_BACKEND_RESET;
}

/* A side takes nothing more, but may have sent something before: see run_broken. One that had ended its stream in order
 * and only then refused what came closed; it was not reset. */
static void mark_broken(struct engine *engine, struct connection *connection, bool client) {
  struct side *side = client ? &connection->client : &connection->backend;
  enum reason closed = client ? REASON_CLIENT_CLOSED : REASON_BACKEND_CLOSED;
  connection->reason = (uint8_t)(side->eof ? closed : splice_lost(client));
  side->broken = side->hup = side->readable = true;
  ready_push(engine, connection);
}

/* Moves one direction on. False: the connection is not spliced any more. */
static bool run_direction(struct engine *engine, struct connection *connection, bool up) {
  enum pump_status status = splice_pump(engine, connection, up);
  if (status == PUMP_FROM_ERROR) {
    linger_begin(engine, connection, up, splice_lost(up)); /* the other side still gets what is on its way */
    return false;
  }
  if (status == PUMP_TO_ERROR) mark_broken(engine, connection, !up);
  if (status == PUMP_MORE) ready_push(engine, connection);
  return true;
}

/* What a broken side sent before is read to its end first. False: the connection is not spliced any more. */
static bool run_broken(struct engine *engine, struct connection *connection) {
  bool client = connection->client.broken, backend = connection->backend.broken;
  if (!client && !backend) return true;
  enum reason reason = (enum reason)connection->reason;
  if (client && backend) {
    connection_end(engine, connection, reason);
    return false;
  }
  const struct side *from = client ? &connection->client : &connection->backend;
  if (from->readable && !from->eof) return true;
  linger_begin(engine, connection, client, reason);
  return false;
}

/* Passes a half-close on once everything in front of it is sent. */
static void run_half_close(struct engine *engine, struct connection *connection, bool up) {
  struct direction direction = direction_of(engine, connection, up);
  if (!direction.from->eof || direction.to->shut || direction.to->pending_length > 0) return;
  side_shut(engine, direction.to);
  if (connection->deadline_ms != 0) return;
  connection->deadline_ms = engine->now_ms + engine->options.half_close_timeout_ms;
  timer_set(engine, connection, connection->deadline_ms);
}

/* A side that was reset while the other takes nothing: what it sent before may still be taken, for a bounded time. */
static void bound_reset(struct engine *engine, struct connection *connection) {
  if (connection->deadline_ms != 0 || !(connection->client.reset || connection->backend.reset)) return;
  connection->deadline_ms = engine->now_ms + engine->options.half_close_timeout_ms;
  timer_set(engine, connection, connection->deadline_ms);
}

void splice_take_up(struct engine *engine, struct connection *connection) {
  struct direction direction = direction_of(engine, connection, true);
  direction.from->readable = true;
  pump(engine, &direction);
}

/* A stream that ended without TLS's own end is told apart in the record: it may be cut short. */
static enum reason closed_by(const struct connection *connection, bool client) {
  if (client) return side_cut(&connection->client) ? REASON_CLIENT_TRUNCATED : REASON_CLIENT_CLOSED;
  return side_cut(&connection->backend) ? REASON_BACKEND_TRUNCATED : REASON_BACKEND_CLOSED;
}

void splice_run(struct engine *engine, struct connection *connection) {
  if (!run_direction(engine, connection, true) || !run_direction(engine, connection, false)) return;
  if (!run_broken(engine, connection)) return;
  bound_reset(engine, connection);
  const struct side *client = &connection->client, *backend = &connection->backend;
  if (!client->eof && !backend->eof) return;
  if (client->eof && backend->eof && client->pending_length + backend->pending_length == 0) {
    connection_end(engine, connection, closed_by(connection, connection->first_eof == EOF_CLIENT));
    return; /* closing says what two more shutdowns would */
  }
  run_half_close(engine, connection, true);
  run_half_close(engine, connection, false);
}

static uint64_t idle_deadline(const struct connection *connection) {
  if (connection->idle_timeout_ms == 0) return UINT64_MAX;
  uint64_t last = connection->client_active_ms;
  if (connection->backend_active_ms > last) last = connection->backend_active_ms;
  return last + connection->idle_timeout_ms;
}

uint64_t splice_deadline(const struct connection *connection) {
  uint64_t deadline = idle_deadline(connection);
  if (connection->lifetime_ms != 0 && connection->lifetime_ms < deadline) deadline = connection->lifetime_ms;
  uint64_t ending_ms = endings_moment(connection);
  if (ending_ms != 0 && ending_ms < deadline) deadline = ending_ms;
  if (connection->deadline_ms != 0 && connection->deadline_ms < deadline) deadline = connection->deadline_ms;
  return deadline == UINT64_MAX ? 0 : deadline;
}

static enum reason half_closed_by(const struct connection *connection) {
  if (connection->client.reset) return REASON_CLIENT_RESET;
  return connection->backend.reset ? REASON_BACKEND_RESET : REASON_HALF_CLOSE_TIMEOUT;
}

void splice_timeout(struct engine *engine, struct connection *connection) {
  uint64_t now_ms = engine->now_ms, ending_ms = endings_moment(connection);
  enum reason ordered = REASON_COUNT, reason = REASON_IDLE_TIMEOUT;
  if (ending_ms != 0 && ending_ms <= now_ms && !endings_due(engine, connection, &ordered)) {
    uint64_t deadline = splice_deadline(connection);
    timer_set(engine, connection, deadline);
    if (deadline == 0 || deadline > now_ms) return;
  }
  if (connection->deadline_ms != 0 && connection->deadline_ms <= now_ms) reason = half_closed_by(connection);
  if (ordered != REASON_COUNT) reason = ordered;
  if (connection->lifetime_ms != 0 && connection->lifetime_ms <= now_ms) reason = REASON_LIFETIME;
  connection_end(engine, connection, reason);
}

/* The head and what the backend sent behind it, in one send when both fit the buffer. */
static bool send_head(struct engine *engine, struct connection *connection, const char *head, size_t length) {
  const struct handshake *handshake = connection->handshake;
  size_t behind = handshake->in_length;
  if (length + behind > SCRATCH_BYTES) {
    return side_send(engine, &connection->client, (const uint8_t *)head, length) != SEND_ERROR &&
           side_send(engine, &connection->client, handshake->in, behind) != SEND_ERROR;
  }
  memcpy(engine->scratch, head, length);
  if (behind > 0) memcpy(engine->scratch + length, handshake->in, behind);
  return side_send(engine, &connection->client, engine->scratch, length + behind) != SEND_ERROR;
}

bool engine_splice(struct engine *engine, connection_id id, const char *head, size_t length, const char *log,
                   size_t log_length, uint32_t idle_timeout_ms, uint32_t lifetime_ms, uint32_t owner) {
  struct connection *connection = connection_find(engine, id);
  if (connection == NULL || connection->state != STATE_DECIDING_RESPONSE) return false;
  struct handshake *handshake = connection->handshake;
  engine_clock(engine);
  connection_keep_log(connection, log, log_length);
  if (connection->client.tls != NULL) tls_forget(&connection->client);
  connection->state = STATE_SPLICED;
  counter_add(&engine->spliced, 1);
  connection->owner = owner;
  connection->idle_timeout_ms = idle_timeout_ms;
  connection->lifetime_ms = lifetime_ms > 0 ? engine->now_ms + lifetime_ms : 0;
  connection->deadline_ms = 0;
  connection->client_active_ms = connection->backend_active_ms = engine->now_ms;
  connection->bytes_up = handshake->early_length;
  connection->bytes_down = handshake->in_length;
  counter_add(meters_cell(engine, connection, METER_BYTES_UP), handshake->early_length);
  counter_add(meters_cell(engine, connection, METER_BYTES_DOWN), handshake->in_length);

  if (!send_head(engine, connection, head, length)) {
    linger_begin(engine, connection, true, REASON_CLIENT_RESET);
    return true;
  }
  if (handshake->early_length > 0 &&
      side_send(engine, &connection->backend, handshake->early, handshake->early_length) == SEND_ERROR) {
    mark_broken(engine, connection, false);
  }
  handshake_free(connection);
  endings_apply(engine, connection);
  timer_set(engine, connection, splice_deadline(connection));
  if (connection->client.readable || connection->backend.readable) ready_push(engine, connection);
  return true;
}
