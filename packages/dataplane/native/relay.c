/*
 * The relay: a backend's answer that is no switch of protocols passes on whole and ends at once when it is complete.
 *
 * The embedder has said how the end is found: by length, by the chunked framing, or by the end of the stream. What the
 * backend sends behind the end is not the client's.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "internal.h"

enum relay_status { RELAY_MORE, RELAY_COMPLETE, RELAY_BROKEN };

/* How many of the bytes belong to the answer, and whether it is complete with them. */
static enum relay_status measure(struct connection *connection, const uint8_t *bytes, size_t length, size_t *used) {
  *used = length;
  if (connection->relay_mode == RELAY_UNTIL_EOF) return RELAY_MORE;
  if (connection->relay_mode == RELAY_CHUNKED) {
    enum chunked_status status = chunked_scan(&connection->chunked, bytes, length, used);
    return status == CHUNKED_MORE ? RELAY_MORE : status == CHUNKED_END ? RELAY_COMPLETE : RELAY_BROKEN;
  }
  if (length >= connection->relay_left) *used = (size_t)connection->relay_left;
  connection->relay_left -= *used;
  return connection->relay_left == 0 ? RELAY_COMPLETE : RELAY_MORE;
}

void relay_cut(struct connection *connection) {
  if (connection->state != STATE_RELAYING || connection->relay_mode != RELAY_UNTIL_EOF) return;
  struct linger reset = {.l_onoff = 1};
  setsockopt(connection->client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  side_abort(&connection->client);
}

static void relay_end(struct engine *engine, struct connection *connection, enum reason reason) {
  handshake_free(connection);
  if (reason == REASON_RELAY_TRUNCATED && connection->relay_mode == RELAY_UNTIL_EOF) {
    connection_end(engine, connection, reason);
    return;
  }
  linger_begin(engine, connection, false, reason);
}

/* Passes bytes of the answer on. False: the relay is over. */
static bool pass_on(struct engine *engine, struct connection *connection, const uint8_t *bytes, size_t length) {
  size_t used = 0;
  enum relay_status status = measure(connection, bytes, length, &used);
  connection->bytes_down += used;
  connection->backend_active_ms = engine->now_ms;
  if (used > 0 && side_send(engine, &connection->client, bytes, used) == SEND_ERROR) {
    connection_end(engine, connection, REASON_CLIENT_RESET);
    return false;
  }
  if (status == RELAY_MORE) return true;
  relay_end(engine, connection, status == RELAY_COMPLETE ? REASON_RELAYED : REASON_RELAY_TRUNCATED);
  return false;
}

/* False: the relay is over, or has to wait. */
static bool read_more(struct engine *engine, struct connection *connection) {
  struct side *from = &connection->backend;
  if (!from->readable || connection->client.pending_length > 0) return false;
  ssize_t count = side_receive(from, engine->scratch, SCRATCH_BYTES);
  if (count > 0) return pass_on(engine, connection, engine->scratch, (size_t)count);
  if (count < 0 && errno == EAGAIN) {
    if (from->readable) ready_push(engine, connection);
    return false;
  }
  bool complete = count == 0 && connection->relay_mode == RELAY_UNTIL_EOF && !side_cut(from);
  relay_end(engine, connection, complete ? REASON_RELAYED : REASON_RELAY_TRUNCATED);
  return false;
}

void relay_run(struct engine *engine, struct connection *connection) {
  if (connection->client.reset || side_flush(engine, &connection->client) == SEND_ERROR) {
    connection_end(engine, connection, REASON_CLIENT_RESET);
    return;
  }
  for (int budget = PUMP_BUDGET; budget > 0; budget--) {
    if (!read_more(engine, connection)) return;
  }
  ready_push(engine, connection);
}

bool engine_relay(struct engine *engine, connection_id id, const char *head, size_t length, enum relay_mode mode,
                  uint64_t body_length, const char *log, size_t log_length, uint32_t idle_timeout_ms) {
  struct connection *connection = connection_find(engine, id);
  if (connection == NULL || connection->state != STATE_DECIDING_RESPONSE) return false;
  struct handshake *handshake = connection->handshake;
  engine_clock(engine);
  connection_keep_log(connection, log, log_length);
  connection->state = STATE_RELAYING;
  connection->idle_timeout_ms = idle_timeout_ms;
  connection->deadline_ms = 0;
  connection->client_active_ms = connection->backend_active_ms = engine->now_ms;
  connection->relay_mode = (uint8_t)mode;
  memset(&connection->chunked, 0, sizeof connection->chunked);
  if (mode == RELAY_LENGTH) connection->relay_left = body_length;
  if (side_send(engine, &connection->client, (const uint8_t *)head, length) == SEND_ERROR) {
    connection_end(engine, connection, REASON_CLIENT_RESET);
    return true;
  }
  if (handshake->in_length > 0 || mode == RELAY_LENGTH) { /* a length of 0 is complete without a byte */
    if (!pass_on(engine, connection, handshake->in, handshake->in_length)) return true;
  }
  handshake_free(connection);
  timer_set(engine, connection, splice_deadline(connection));
  ready_push(engine, connection);
  return true;
}
