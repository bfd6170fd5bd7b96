/*
 * Clients of the stream path that speak TLS: the engine keeps the client's socket, the embedder gets one end of a socket
 * pair, and the bytes go between the two as in a splice.
 *
 * Nothing of a splice's is decided here: no limit runs while the embedder has its end, no record is written, no byte is
 * counted. The client's end in order passes on as a half-close; one by reset, or without TLS's own end, ends the connection
 * at once, so that a request which it has cut short does not look like one that was sent whole. The embedder's end, in
 * whatever way, means that the client gets what is on its way, and then the end; ends that the engine makes are without
 * TLS's own, for an answer may be under way that would look whole.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

int bridge_open(struct engine *engine, struct connection *connection) {
  int fds[2];
  if (!pair_open(fds)) return -1;
  connection->backend = (struct side){.fd = fds[0]};
  if (!connection_watch(engine, connection, true)) {
    connection->backend = (struct side){.fd = -1};
    close(fds[0]);
    close(fds[1]);
    return -1;
  }
  descriptors_paired(1);
  connection->pair = PAIR_BRIDGED;
  connection->state = STATE_BRIDGED;
  connection->reason = REASON_CLIENT_CLOSED;
  connection->first_eof = EOF_NONE;
  connection->idle_timeout_ms = 0;
  ready_push(engine, connection);
  return fds[1];
}

/* From now on a client that takes nothing for too long is given up: nobody else's limit runs. */
static void bound_rest(struct engine *engine, struct connection *connection) {
  connection->client_active_ms = connection->backend_active_ms = engine->now_ms;
  connection->idle_timeout_ms = engine->options.half_close_timeout_ms;
  timer_set(engine, connection, splice_deadline(connection));
}

void bridge_left(struct engine *engine, struct connection *connection) {
  engine_clock(engine);
  bound_rest(engine, connection);
}

bool bridge_cut(struct engine *engine, connection_id id) {
  struct connection *connection = connection_find(engine, id);
  if (connection == NULL || connection->state != STATE_BRIDGED || connection->pair != PAIR_BRIDGED) return false;
  struct linger reset = {.l_onoff = 1};
  engine_clock(engine);
  setsockopt(connection->client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  connection_end(engine, connection, REASON_RELAY_TRUNCATED);
  return true;
}

/* What the kernel and the engine still have for the embedder goes behind `bytes`. NULL: no memory, nothing was read. */
static uint8_t *collect(struct connection *connection, int fd, const uint8_t *bytes, uint32_t length, uint32_t *total) {
  const struct side *pair = &connection->backend;
  int unread = 0;
  if (ioctl(fd, FIONREAD, &unread) != 0 || unread < 0) return NULL;
  uint8_t *all = malloc(length + (size_t)unread + pair->pending_length);
  if (all == NULL) return NULL;
  memcpy(all, bytes, length);
  *total = length;
  for (uint32_t end = length + (uint32_t)unread; *total < end;) {
    ssize_t count = recv(fd, all + *total, end - *total, MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    *total += (uint32_t)count;
  }
  if (pair->pending_length > 0) memcpy(all + *total, pair->pending + pair->pending_offset, pair->pending_length);
  *total += pair->pending_length;
  return all;
}

bool bridge_attach(struct engine *engine, struct connection *connection, int fd, const uint8_t *bytes, uint32_t length) {
  struct handshake *handshake = handshake_get(connection);
  uint32_t total = 0;
  uint8_t *all = handshake != NULL ? collect(connection, fd, bytes, length, &total) : NULL;
  if (all == NULL) {
    handshake_free(connection);
    return false;
  }
  handshake->in = all;
  handshake->in_length = total;
  engine_clock(engine);
  shutdown(fd, SHUT_RDWR); /* what the embedder has written stays readable, and its end stands behind it */
  side_drop(engine, &connection->backend);
  connection->pair = PAIR_ATTACHING;
  connection->logged = false;
  connection->opened_us = engine->now_us;
  bound_rest(engine, connection);
  connection->backend.readable = connection->backend.hup = true;
  ready_push(engine, connection);
  return true;
}

/* The client has all that the embedder had for it: its request is told. */
static void finish_attach(struct engine *engine, struct connection *connection) {
  backend_release(engine, connection);
  descriptors_paired(-1);
  struct side *client = &connection->client;
  client->eof = false; /* an end in order that has been read is told again */
  client->readable = true;
  connection->pair = PAIR_NONE;
  connection->told = false;
  connection->first_eof = EOF_NONE;
  connection->bytes_up = connection->bytes_down = connection->backend_closed_us = 0;
  connection->idle_timeout_ms = 0;
  connection->state = STATE_READING_REQUEST;
  connection->deadline_ms = engine->now_ms + engine->options.request_head_timeout_ms;
  timer_set(engine, connection, connection->deadline_ms);
  handshake_read_request(engine, connection);
}

/* What the client sends. False: the connection is over. */
static bool run_up(struct engine *engine, struct connection *connection) {
  struct side *client = &connection->client, *pair = &connection->backend;
  enum pump_status status = splice_pump(engine, connection, true);
  if (status == PUMP_FROM_ERROR) {
    connection_end(engine, connection, splice_lost(true));
    return false;
  }
  if (client->eof && side_cut(client)) {
    connection_end(engine, connection, REASON_CLIENT_TRUNCATED);
    return false;
  }
  if (status == PUMP_MORE) ready_push(engine, connection);
  if (status == PUMP_TO_ERROR) { /* the embedder has closed its end: what it wrote before is still to be read */
    pair->broken = pair->hup = pair->readable = true;
    side_drop(engine, pair);
  }
  if (client->eof && !pair->shut && !pair->broken && pair->pending_length == 0) side_shut(engine, pair);
  return true;
}

/* What the embedder has written. False: the connection is not bridged any more. */
static bool run_down(struct engine *engine, struct connection *connection) {
  enum pump_status status = splice_pump(engine, connection, false);
  if (status == PUMP_TO_ERROR) {
    connection_end(engine, connection, connection->client.eof ? REASON_CLIENT_CLOSED : splice_lost(true));
    return false;
  }
  if (status == PUMP_MORE) ready_push(engine, connection);
  if (status != PUMP_FROM_ERROR && !connection->backend.eof) return true;
  if (connection->pair == PAIR_ATTACHING) {
    finish_attach(engine, connection);
  } else {
    linger_begin(engine, connection, false, (enum reason)connection->reason);
  }
  return false;
}

/* A client whose reset was seen: nothing that it sent before is waited for. */
static enum reason reset_reason(const struct connection *connection) {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(connection->client.fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = ECONNRESET;
  errno = error;
  return splice_lost(true);
}

void bridge_run(struct engine *engine, struct connection *connection) {
  if (connection->client.reset) {
    connection_end(engine, connection, reset_reason(connection));
    return;
  }
  if (connection->pair != PAIR_ATTACHING && !run_up(engine, connection)) return;
  run_down(engine, connection);
}
