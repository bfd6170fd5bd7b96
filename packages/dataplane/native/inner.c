/*
 * Inner clients: connections whose client is the embedder itself, over one end of a socket pair, on behalf of a client of
 * the stream path (a WebSocket over HTTP/2).
 *
 * Such a connection is one like every other, from its request to its record, with its parent's listener and address. But
 * the embedder has its other end: so it is told of every end, may ask for the reason before, and may reset what a
 * descriptor of this kind cannot.
 */
#include <string.h>
#include <unistd.h>

#include "internal.h"

static const struct connection *find_parent(struct engine *engine, connection_id id) {
  const struct connection *parent = connection_find(engine, id);
  if (parent == NULL || !engine->deciding || atomic_load(&engine->state) == ENGINE_DEAD) return NULL;
  bool bridged = parent->state == STATE_BRIDGED && parent->pair == PAIR_BRIDGED;
  if (!bridged && parent->state != STATE_DETACHED) return NULL;
  if (bridged && tls_unverified(&parent->client)) return NULL; /* nothing is dialled for it, see engine_connect */
  uint64_t held = atomic_load(&engine->active) + atomic_load(&engine->queued);
  return held < engine->options.connections_max ? parent : NULL;
}

/* A place with the engine's end of the pair as its client; NULL: no memory, and the end is closed. */
static struct connection *take(struct engine *engine, const struct connection *parent, int fd) {
  engine_clock(engine);
  struct handover handover = {.fd = fd,
                              .listener = listener_keep(parent->listener),
                              .address = parent->address,
                              .port = parent->port,
                              .accepted_us = engine->now_us};
  uint32_t group = parent->group;
  counter_add(&engine->active, 1);
  descriptors_taken();
  struct connection *connection = connection_take(engine, &handover);
  if (connection == NULL) return NULL;
  connection->group = group;
  return connection;
}

static bool keep_head(struct connection *connection, const uint8_t *head, uint32_t length) {
  struct handshake *handshake = handshake_get(connection);
  return handshake != NULL && head_copy(&handshake->in, &handshake->in_length, head, length, 0);
}

bool engine_open_client(struct engine *engine, connection_id parent_id, const uint8_t *head, uint32_t length,
                        struct opened *opened) {
  const struct connection *parent = find_parent(engine, parent_id);
  int fds[2];
  bool whole = length > 0 && length <= engine->options.head_bytes_max && head_end(head, length, 0) == length;
  if (parent == NULL || !whole) return false;
  if (!pair_open(fds)) return false;
  struct connection *connection = take(engine, parent, fds[0]);
  if (connection == NULL) {
    close(fds[1]);
    return false;
  }
  if (!keep_head(connection, head, length) || !connection_watch(engine, connection, false)) {
    close(fds[1]);
    connection_end(engine, connection, REASON_INTERNAL_ERROR);
    return false;
  }
  connection->pair = PAIR_INNER;
  descriptors_paired(1);
  connection->deadline_ms = engine->now_ms + engine->options.request_head_timeout_ms;
  timer_set(engine, connection, connection->deadline_ms);
  ready_push(engine, connection);
  *opened = (struct opened){.id = connection_name(connection), .fd = fds[1]};
  return true;
}

static struct connection *find_inner(struct engine *engine, connection_id id) {
  struct connection *connection = connection_find(engine, id);
  return connection != NULL && connection->pair == PAIR_INNER ? connection : NULL;
}

enum reason engine_client_fate(struct engine *engine, connection_id id) {
  const struct connection *connection = find_inner(engine, id);
  if (connection == NULL) return REASON_COUNT;
  if (connection->state == STATE_SPLICED) return side_cut(&connection->backend) ? REASON_BACKEND_TRUNCATED : REASON_COUNT;
  if (connection->state != STATE_LINGERING && connection->state != STATE_ENDED) return REASON_COUNT;
  enum reason reason = (enum reason)connection->reason;
  bool in_order = reason == REASON_CLIENT_CLOSED || reason == REASON_BACKEND_CLOSED || reason == REASON_REFUSED ||
                  reason == REASON_RELAYED;
  return in_order ? REASON_COUNT : reason;
}

bool engine_reset_client(struct engine *engine, connection_id id) {
  if (bridge_cut(engine, id)) return true;
  struct connection *connection = find_inner(engine, id);
  if (connection == NULL || connection->state == STATE_ENDED) return false;
  engine_clock(engine);
  switch (connection->state) {
    case STATE_SPLICED:
      splice_take_up(engine, connection); /* its last message, a close frame mostly, may be in the pair */
      linger_begin(engine, connection, true, REASON_CLIENT_RESET);
      break;
    case STATE_RELAYING: connection_end(engine, connection, REASON_CLIENT_RESET); break;
    case STATE_LINGERING: connection_end(engine, connection, (enum reason)connection->reason); break;
    default: connection_end(engine, connection, REASON_CLIENT_ABORTED); break;
  }
  return true;
}
