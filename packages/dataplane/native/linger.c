/*
 * The last of a connection: what one side still has to get is sent, then its writing is shut down, then what it still
 * sends is thrown away for a bounded time.
 *
 * A plain close with unread bytes would make the kernel send a reset, and the peer would lose the answer that it has
 * not read yet.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "internal.h"

void linger_begin(struct engine *engine, struct connection *connection, bool backend, enum reason reason) {
  if (connection->state == STATE_SPLICED) counter_add(&engine->spliced, (uint64_t)-1);
  if (backend) {
    client_release(engine, connection);
  } else {
    backend_release(engine, connection);
  }
  connection->state = STATE_LINGERING;
  connection->reason = (uint8_t)reason;
  connection->linger_left = LINGER_BYTES_MAX;
  connection->deadline_ms = engine->now_ms + engine->options.half_close_timeout_ms;
  timer_set(engine, connection, connection->deadline_ms);
  ready_push(engine, connection);
}

/* True when the peer has nothing more to say, or more than we listen to. With TLS nobody decrypts what is thrown away. */
static bool discard(struct engine *engine, struct connection *connection, struct side *side) {
  while (side->readable) {
    ssize_t count = recv(side->fd, engine->scratch, SCRATCH_BYTES, 0);
    if (count == 0) return true;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != EAGAIN) return true;
    if (count < 0 || (count < (ssize_t)SCRATCH_BYTES && !side->hup)) side->readable = false;
    if (count < 0) break;
    if ((uint64_t)count >= connection->linger_left) return true;
    connection->linger_left -= (uint64_t)count;
  }
  return false;
}

void linger_run(struct engine *engine, struct connection *connection) {
  struct side *side = connection->client.fd >= 0 ? &connection->client : &connection->backend;
  enum reason reason = (enum reason)connection->reason;
  bool ending = side->shut && side->pending_length > 0; /* TLS's own end is kept: the socket was full */
  enum send_status status = side_flush(engine, side);
  if (status == SEND_ERROR) {
    connection_end(engine, connection, reason);
    return;
  }
  if (status == SEND_KEPT) return; /* reading would only make room for a peer that does not read */
  if (!side->shut) {
    side_shut(engine, side);
    if (side->pending_length > 0) return;
    ending = true;
  }
  if (ending) {
    connection->deadline_ms = engine->now_ms + engine->options.linger_timeout_ms;
    timer_set(engine, connection, connection->deadline_ms);
  }
  if (side->eof || discard(engine, connection, side)) connection_end(engine, connection, reason);
}

/* The states in which the embedder may still give its own answer. */
static struct connection *find_answerable(struct engine *engine, connection_id id) {
  struct connection *connection = connection_find(engine, id);
  if (connection == NULL || connection->notice != NOTICE_NONE) return NULL;
  bool deciding = connection->state == STATE_DECIDING || connection->state == STATE_DECIDING_RESPONSE;
  return deciding ? connection : NULL;
}

bool engine_respond(struct engine *engine, connection_id id, const char *bytes, size_t length, const char *log,
                    size_t log_length, uint32_t group) {
  struct connection *connection = find_answerable(engine, id);
  if (connection == NULL) return false;
  meters_open(engine, connection, group);
  engine_clock(engine);
  connection_keep_log(connection, log, log_length);
  const char *body = memmem(bytes, length, "\r\n\r\n", 4);
  connection->bytes_down = body != NULL ? length - (size_t)(body + 4 - bytes) : 0;
  if (side_send(engine, &connection->client, (const uint8_t *)bytes, length) == SEND_ERROR) {
    backend_release(engine, connection);
    handshake_free(connection);
    connection->state = STATE_LINGERING;
    connection_end(engine, connection, REASON_CLIENT_ABORTED);
    return true;
  }
  handshake_free(connection);
  linger_begin(engine, connection, false, REASON_REFUSED);
  return true;
}

bool engine_close(struct engine *engine, connection_id id, enum reason reason, const char *log, size_t log_length) {
  struct connection *connection = find_answerable(engine, id);
  if (connection == NULL) return false;
  engine_clock(engine);
  connection_keep_log(connection, log, log_length);
  connection->state = STATE_LINGERING; /* decided: nothing more to tell */
  connection_end(engine, connection, reason);
  return true;
}
