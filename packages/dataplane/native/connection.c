/*
 * A connection's life: its place in the engine, its sockets on epoll, its end.
 *
 * Places are reused with a new generation, so an id or an epoll event of an earlier connection finds nothing. Every end
 * goes through connection_end: descriptors, counters, kept bytes and the access-log record are settled there and nowhere
 * else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

connection_id connection_name(const struct connection *connection) {
  return (connection_id)connection->generation << INDEX_BITS | connection->index;
}

struct connection *connection_at(struct engine *engine, uint32_t index) {
  uint32_t slab = index >> SLAB_BITS;
  return slab < engine->slab_count ? &engine->slabs[slab][index & (SLAB_SIZE - 1)] : NULL;
}

struct connection *connection_find(struct engine *engine, connection_id id) {
  struct connection *connection = connection_at(engine, (uint32_t)id & (CONNECTIONS_MAX - 1));
  if (connection == NULL || connection->generation != (uint32_t)(id >> INDEX_BITS)) return NULL;
  return connection->state == STATE_FREE ? NULL : connection;
}

static void release_place(struct engine *engine, struct connection *connection) {
  connection->generation++;
  connection->state = STATE_FREE;
  connection->wheel_next = engine->free_list; /* ready_next may still be in use: see reset */
  engine->free_list = connection;
}

static bool grow(struct engine *engine) {
  if (engine->slab_count >= CONNECTIONS_MAX / SLAB_SIZE) return false;
  struct connection *slab = calloc(SLAB_SIZE, sizeof *slab);
  if (slab == NULL) return false;
  uint32_t first = engine->slab_count * SLAB_SIZE;
  engine->slabs[engine->slab_count++] = slab;
  for (uint32_t i = SLAB_SIZE; i-- > 0;) {
    slab[i].index = first + i;
    release_place(engine, &slab[i]);
  }
  return true;
}

/* A fresh connection in a place whose index, generation and link on the ready list stay. */
static void reset(struct connection *connection) {
  struct connection fresh = {.index = connection->index,
                             .generation = connection->generation,
                             .on_ready = connection->on_ready,
                             .ready_next = connection->ready_next,
                             .slot = UINT32_MAX,
                             .client = {.fd = -1},
                             .backend = {.fd = -1}};
  *connection = fresh;
}

bool connection_watch(struct engine *engine, struct connection *connection, bool backend) {
  struct side *side = backend ? &connection->backend : &connection->client;
  side->readable = side->wire = side->writable = true;
  struct epoll_event event = {
      .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
      .data.u64 = (uint64_t)connection->generation << 32 | (uint64_t)connection->index << 1 | (backend ? 1 : 0)};
  return epoll_ctl(engine->epfd, EPOLL_CTL_ADD, side->fd, &event) == 0;
}

struct connection *connection_take(struct engine *engine, const struct handover *handover) {
  if (engine->free_list == NULL && !grow(engine)) {
    close(handover->fd);
    descriptors_released();
    listener_release(handover->listener);
    counter_add(&engine->active, (uint64_t)-1);
    atomic_fetch_add(&engine->log.drops, 1);
    return NULL;
  }
  struct connection *connection = engine->free_list;
  engine->free_list = connection->wheel_next;
  reset(connection);
  connection->state = STATE_READING_REQUEST;
  connection->client.fd = handover->fd;
  connection->listener = handover->listener;
  connection->address = handover->address;
  connection->port = handover->port;
  connection->opened_us = handover->accepted_us;
  connection->group = meters_group(engine, handover->listener->group);
  counter_add(&engine->opened, 1);
  return connection;
}

void connection_turn_away(struct engine *engine, const struct handover *handover, enum reason reason) {
  struct connection *connection = connection_take(engine, handover);
  if (connection != NULL) connection_end(engine, connection, reason);
}

void connection_begin(struct engine *engine, struct connection *connection) {
  if (listener_has_tls(connection->listener)) {
    tls_client_begin(engine, connection);
    return;
  }
  connection->state = STATE_READING_REQUEST;
  handshake_read_request(engine, connection);
}

void connection_open(struct engine *engine, const struct handover *handover) {
  struct connection *connection = connection_take(engine, handover);
  if (connection == NULL) return;
  if (!connection_watch(engine, connection, false)) {
    connection_end(engine, connection, REASON_INTERNAL_ERROR);
    return;
  }
  connection->deadline_ms = handover->accepted_us / 1000 + engine->options.request_head_timeout_ms;
  timer_set(engine, connection, connection->deadline_ms);
  if (proxy_expected(connection->listener, &connection->address)) {
    proxy_begin(engine, connection);
  } else {
    connection_begin(engine, connection);
  }
}

void connection_event(struct engine *engine, struct connection *connection, bool backend, uint32_t events) {
  struct side *side = backend ? &connection->backend : &connection->client;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) side->hup = side->readable = true;
  if (events & EPOLLERR) side->reset = true;
  if (events & EPOLLIN) side->readable = side->wire = true;
  if (events & EPOLLOUT) side->writable = true;
  if (connection->state == STATE_CLIENT_TLS || (backend && connection->state == STATE_BACKEND_TLS)) {
    tls_push(engine, connection);
  } else if (backend && (connection->state == STATE_CONNECTING || connection->state == STATE_READING_RESPONSE)) {
    upstream_event(engine, connection, events);
  } else {
    connection_run(engine, connection);
  }
}

void connection_run(struct engine *engine, struct connection *connection) {
  switch (connection->state) {
    case STATE_CLIENT_PROXY: proxy_run(engine, connection); break;
    case STATE_READING_REQUEST: handshake_read_request(engine, connection); break;
    case STATE_DECIDING:
    case STATE_CONNECTING:
    case STATE_DECIDING_RESPONSE: handshake_on_client(engine, connection); break;
    case STATE_CLIENT_TLS: tls_push(engine, connection); break;
    case STATE_BACKEND_TLS:
      handshake_on_client(engine, connection);
      if (connection->state == STATE_BACKEND_TLS) tls_push(engine, connection); /* its event may have found it listed */
      break;
    case STATE_READING_RESPONSE:
      handshake_on_client(engine, connection);
      if (connection->state == STATE_READING_RESPONSE) upstream_read(engine, connection);
      break;
    case STATE_SPLICED: splice_run(engine, connection); break;
    case STATE_BRIDGED: bridge_run(engine, connection); break;
    case STATE_RELAYING: relay_run(engine, connection); break;
    case STATE_LINGERING: linger_run(engine, connection); break;
    default: break; /* free or ended since it was put on the list */
  }
}

void connection_step_tls(struct engine *engine, struct connection *connection) {
  if (connection->state == STATE_CLIENT_TLS) {
    tls_client_run(engine, connection);
    return;
  }
  if (connection->state == STATE_BACKEND_TLS) {
    handshake_on_client(engine, connection);
    if (connection->state == STATE_BACKEND_TLS) tls_backend_run(engine, connection);
    return;
  }
  connection_run(engine, connection); /* it is another's place by now, or was made ready meanwhile */
}

static void count_active(struct engine *engine, uint32_t slot, int32_t change) {
  if (engine->active_column == NULL || slot >= engine->active_slots) return;
  int32_t *cell = &engine->active_column[slot];
  __atomic_store_n(cell, __atomic_load_n(cell, __ATOMIC_RELAXED) + change, __ATOMIC_RELAXED);
}

void connection_count(struct engine *engine, struct connection *connection, uint32_t slot) {
  connection->slot = slot;
  count_active(engine, slot, 1);
}

static void uncount(struct engine *engine, struct connection *connection) {
  count_active(engine, connection->slot, -1);
  connection->slot = UINT32_MAX;
}

/* Bytes that were taken but never passed on are not counted as spliced. */
static void subtract(uint64_t *bytes, uint32_t amount) { *bytes -= *bytes < amount ? *bytes : amount; }

void backend_release(struct engine *engine, struct connection *connection) {
  if (connection->backend.fd < 0) return;
  subtract(&connection->bytes_up, connection->backend.pending_length);
  side_close(engine, &connection->backend);
  connection->backend_closed_us = engine->now_us;
  uncount(engine, connection);
}

void client_release(struct engine *engine, struct connection *connection) {
  if (connection->client.fd < 0) return;
  subtract(&connection->bytes_down, connection->client.pending_length);
  side_close(engine, &connection->client);
  descriptors_released();
}

void connection_finish(struct engine *engine, struct connection *connection) {
  if (!connection->logged) {
    const struct listener *listener = connection->listener;
    if (connection->log != NULL) {
      connection_log(engine, connection, connection->log, connection->log_length);
    } else {
      connection_log(engine, connection, listener->log_fields, listener->log_length);
    }
  }
  free(connection->log);
  connection->log = NULL;
  listener_release(connection->listener);
  release_place(engine, connection);
}

/* Connections that the embedder has seen and not finished with are named to it once more, then let go. */
static bool is_awaited(const struct engine *engine, const struct connection *connection) {
  if (!engine->deciding || atomic_load(&engine->state) == ENGINE_DEAD) return false;
  if (connection->pair == PAIR_INNER) return true;
  if (connection->state == STATE_DETACHED || connection->pair == PAIR_BRIDGED) return !connection->told;
  return connection->state >= STATE_DECIDING && connection->state <= STATE_DECIDING_RESPONSE;
}

void connection_end(struct engine *engine, struct connection *connection, enum reason reason) {
  bool awaited = is_awaited(engine, connection);
  connection->reason = (uint8_t)reason;
  if (connection->state != STATE_ENDED) {
    timer_clear(engine, connection);
    if (connection->state == STATE_SPLICED) counter_add(&engine->spliced, (uint64_t)-1);
    if (connection->pair != PAIR_NONE) descriptors_paired(-1);
    if (connection->state == STATE_BRIDGED) side_abort(&connection->client); /* what it has of an answer may not be all */
    if (connection->state == STATE_DETACHED) descriptors_released();
    backend_release(engine, connection);
    relay_cut(connection);
    client_release(engine, connection);
    handshake_free(connection);
    counter_add(&engine->active, (uint64_t)-1);
    counter_add(&engine->closed, 1);
    meters_close(engine, connection);
  }
  connection->state = STATE_ENDED;
  if (awaited) {
    notice_push(engine, connection, NOTICE_ENDED);
  } else {
    connection_finish(engine, connection);
  }
}
