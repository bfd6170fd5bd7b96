/*
 * Clients of the stream path: the embedder has the socket, the engine keeps the place.
 *
 * A detached connection is still one of the engine's: it is counted as active and in its metric group, a drain waits for
 * it, and it ends with the thread that drives the engine. But its socket is not watched, none of its limits run here, and
 * its records are written by the embedder (engine_log_line). It comes back whole when a client asks for an upgrade on it.
 *
 * A client with TLS stays the engine's, and the embedder has one end of a pair of sockets instead: see bridge.c. That one
 * may go on, or end by itself, when the embedder has closed its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

static bool is_bridged(const struct connection *connection) {
  return connection->state == STATE_BRIDGED && connection->pair == PAIR_BRIDGED;
}

/* One of which the embedder has told no end. */
static struct connection *find_detached(struct engine *engine, connection_id id) {
  struct connection *connection = connection_find(engine, id);
  if (connection == NULL || connection->told) return NULL;
  return connection->state == STATE_DETACHED || is_bridged(connection) ? connection : NULL;
}

/* The socket itself is the embedder's from now on. */
static int release_socket(struct engine *engine, struct connection *connection) {
  int fd = connection->client.fd;
  epoll_ctl(engine->epfd, EPOLL_CTL_DEL, fd, NULL);
  connection->client = (struct side){.fd = -1};
  connection->state = STATE_DETACHED;
  return fd;
}

bool engine_detach_client(struct engine *engine, connection_id id, uint32_t group, struct detached *detached) {
  struct connection *connection = connection_find(engine, id);
  if (connection == NULL || connection->state != STATE_DECIDING || connection->notice != NOTICE_NONE) return false;
  bool secure = connection->client.tls != NULL;
  if (!secure && connection->client.pending_length > 0) return false;
  engine_clock(engine);
  int fd = secure ? bridge_open(engine, connection) : release_socket(engine, connection);
  if (fd < 0) return false;
  struct handshake *handshake = connection->handshake;
  *detached = (struct detached){.fd = fd, .early = handshake->early, .early_length = handshake->early_length};
  handshake->early = NULL;
  handshake_free(connection);
  timer_clear(engine, connection);
  meters_open(engine, connection, group);
  connection->deadline_ms = 0;
  connection->logged = true;
  return true;
}

bool engine_attach_client(struct engine *engine, connection_id id, int fd, const uint8_t *bytes, uint32_t length) {
  struct connection *connection = find_detached(engine, id);
  uint32_t end = head_end(bytes, length, 0);
  if (connection == NULL || end == 0 || end > engine->options.head_bytes_max) return false;
  if (is_bridged(connection)) return bridge_attach(engine, connection, fd, bytes, length);
  struct handshake *handshake = handshake_get(connection);
  if (handshake == NULL || !head_copy(&handshake->in, &handshake->in_length, bytes, length, 0)) return false;
  int own = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* the embedder closes the one that it has */
  if (own < 0) {
    handshake_free(connection);
    return false;
  }
  engine_clock(engine);
  connection->client.fd = own;
  connection->logged = false;
  connection->opened_us = engine->now_us;
  connection->state = STATE_READING_REQUEST;
  if (!connection_watch(engine, connection, false)) {
    connection_end(engine, connection, REASON_INTERNAL_ERROR);
    return true;
  }
  connection->deadline_ms = engine->now_ms + engine->options.request_head_timeout_ms;
  timer_set(engine, connection, connection->deadline_ms);
  ready_push(engine, connection);
  return true;
}

/* Also one that has ended, as long as the embedder has not been told of that. */
static struct connection *find_untold(struct engine *engine, connection_id id) {
  struct connection *connection = connection_find(engine, id);
  if (connection == NULL || connection->told) return NULL;
  return connection->state == STATE_DETACHED || connection->pair == PAIR_BRIDGED ? connection : NULL;
}

bool engine_client_closed(struct engine *engine, connection_id id, enum reason reason, uint64_t bytes_up,
                          uint64_t bytes_down) {
  struct connection *connection = find_untold(engine, id);
  if (connection == NULL) return false;
  counter_add(meters_cell(engine, connection, METER_BYTES_UP), bytes_up);
  counter_add(meters_cell(engine, connection, METER_BYTES_DOWN), bytes_down);
  connection->told = true;
  if (connection->state == STATE_ENDED) return true;
  connection->reason = (uint8_t)reason;
  if (connection->state == STATE_DETACHED) connection_end(engine, connection, reason);
  if (connection->state == STATE_BRIDGED) bridge_left(engine, connection);
  return true;
}

void engine_log_line(struct engine *engine, const char *line, size_t length) {
  struct log_part part = {line, length};
  if (length <= LOG_RECORD_MAX) log_ring_append(&engine->log, &part, 1);
}
