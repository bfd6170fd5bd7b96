/*
 * Clients of the stream path: the embedder has the socket, the engine keeps the place.
 *
 * A detached connection is still one of the engine's: it is counted as active and in its metric group, a drain waits for
 * it, and it ends with the thread that drives the engine. But its socket is not watched, none of its limits run here, and
 * its records are written by the embedder (engine_log_line). It comes back whole when a client asks for an upgrade on it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

static struct connection *find_detached(struct engine *engine, connection_id id) {
  struct connection *connection = connection_find(engine, id);
  return connection != NULL && connection->state == STATE_DETACHED ? connection : NULL;
}

bool engine_detach_client(struct engine *engine, connection_id id, uint32_t group, struct detached *detached) {
  struct connection *connection = connection_find(engine, id);
  if (connection == NULL || connection->state != STATE_DECIDING || connection->notice != NOTICE_NONE) return false;
  if (connection->client.tls != NULL || connection->client.pending_length > 0) return false;
  struct handshake *handshake = connection->handshake;
  *detached = (struct detached){
      .fd = connection->client.fd, .early = handshake->early, .early_length = handshake->early_length};
  handshake->early = NULL;
  handshake_free(connection);
  epoll_ctl(engine->epfd, EPOLL_CTL_DEL, connection->client.fd, NULL);
  timer_clear(engine, connection);
  meters_open(engine, connection, group);
  connection->client = (struct side){.fd = -1};
  connection->deadline_ms = 0;
  connection->logged = true;
  connection->state = STATE_DETACHED;
  return true;
}

bool engine_attach_client(struct engine *engine, connection_id id, int fd, const uint8_t *bytes, uint32_t length) {
  struct connection *connection = find_detached(engine, id);
  uint32_t end = head_end(bytes, length, 0);
  if (connection == NULL || end == 0 || end > engine->options.head_bytes_max) return false;
  struct handshake *handshake = handshake_get(connection);
  if (handshake == NULL || !head_copy(&handshake->in, &handshake->in_length, bytes, length, 0)) return false;
  int own = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* the embedder closes the one that it has */
  if (own < 0) {
    handshake_free(connection);
    return false;
  }
  engine_clock(engine);
  connection_uncount(engine, connection);
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

bool engine_client_closed(struct engine *engine, connection_id id, enum reason reason, uint64_t bytes_up,
                          uint64_t bytes_down) {
  struct connection *connection = find_detached(engine, id);
  if (connection == NULL) return false;
  counter_add(meters_cell(engine, connection, METER_BYTES_UP), bytes_up);
  counter_add(meters_cell(engine, connection, METER_BYTES_DOWN), bytes_down);
  connection->told = true;
  connection_end(engine, connection, reason);
  return true;
}

void engine_log_line(struct engine *engine, const char *line, size_t length) {
  struct log_part part = {line, length};
  if (length <= LOG_RECORD_MAX) log_ring_append(&engine->log, &part, 1);
}
