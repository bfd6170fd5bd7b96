/* Drives an engine as a worker does; see embedder.h. The record's layout is the one of src/engine/events.ts. */
#include "embedder.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

struct engine_options embedder_options(void) {
  return (struct engine_options){.head_bytes_max = 16384,
                                 .queue_max = 256,
                                 .connections_max = 4096,
                                 .pending_bytes_max = 16u << 20,
                                 .log_ring_bytes = 1u << 20,
                                 .request_head_timeout_ms = 10000,
                                 .half_close_timeout_ms = 10000,
                                 .linger_timeout_ms = 1000};
}

void embedder_init(struct embedder *embedder, struct engine *engine) {
  CHECK(engine != NULL);
  *embedder = (struct embedder){.engine = engine,
                                .decide = embedder_proxy,
                                .deciding = true,
                                .rounds_max = 4,
                                .connect_timeout_ms = 5000,
                                .answer_timeout_ms = 5000,
                                .log_ended = true};
  pthread_mutex_init(&embedder->lock, NULL);
}

void embedder_free(struct embedder *embedder) {
  for (size_t i = 0; i < embedder->count; i++) free(embedder->events[i].head);
  free(embedder->events);
  embedder->events = NULL;
  embedder->count = embedder->capacity = 0;
}

static uint32_t get_u32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

static double get_f64(const uint8_t *at) {
  double value;
  memcpy(&value, at, sizeof value);
  return value;
}

static struct event parse(const uint8_t *at) {
  struct event event = {.kind = get_u32(at + 4),
                        .id = (connection_id)get_f64(at + 8),
                        .a = get_f64(at + 16),
                        .b = get_f64(at + 24),
                        .tag = get_u32(at + 32),
                        .d = get_u32(at + 36),
                        .code = get_u32(at + 40),
                        .error = get_u32(at + 44),
                        .head_length = get_u32(at + 52)};
  uint32_t address_length = get_u32(at + 48);
  CHECK(address_length < sizeof event.address);
  memcpy(event.address, at + EVENT_HEADER_BYTES, address_length);
  event.head = malloc(event.head_length + 1);
  CHECK(event.head != NULL);
  memcpy(event.head, at + EVENT_HEADER_BYTES + address_length, event.head_length);
  event.head[event.head_length] = 0;
  return event;
}

static void record(struct embedder *embedder, const struct event *event) {
  pthread_mutex_lock(&embedder->lock);
  if (embedder->count == embedder->capacity) {
    embedder->capacity = embedder->capacity > 0 ? embedder->capacity * 2 : 64;
    embedder->events = realloc(embedder->events, embedder->capacity * sizeof *event);
    CHECK(embedder->events != NULL);
  }
  embedder->events[embedder->count++] = *event;
  pthread_mutex_unlock(&embedder->lock);
}

static void deliver(struct embedder *embedder, size_t length) {
  const uint8_t *at = engine_event_buffer(embedder->engine), *end = at + length;
  while (at < end) {
    uint32_t record_length = get_u32(at);
    CHECK(record_length >= EVENT_HEADER_BYTES && record_length <= (size_t)(end - at) && record_length % 8 == 0);
    struct event event = parse(at);
    record(embedder, &event);
    if (embedder->decide != NULL) embedder->decide(embedder, &event);
    at += record_length;
  }
  CHECK(at == end);
}

void embedder_step(struct embedder *embedder, int timeout_ms) {
  struct engine *engine = embedder->engine;
  struct pollfd wait = {.fd = engine_poll_fd(engine), .events = POLLIN};
  if (poll(&wait, 1, timeout_ms) <= 0) return;
  for (int round = 0; round < embedder->rounds_max; round++) {
    bool more = engine_turn(engine);
    size_t length = embedder->deciding ? engine_events(engine) : 0;
    if (length == 0 && !more) break;
    if (length == 0) continue;
    deliver(embedder, length);
    engine_delivered(engine);
  }
  engine_rest(engine);
}

static void *drive(void *argument) {
  struct embedder *embedder = argument;
  CHECK(engine_attach(embedder->engine, embedder->deciding));
  if (embedder->deciding) engine_ready(embedder->engine);
  while (!atomic_load(&embedder->stopping)) embedder_step(embedder, 1000);
  engine_detach(embedder->engine);
  return NULL;
}

void embedder_start(struct embedder *embedder) {
  atomic_store(&embedder->stopping, false);
  CHECK(pthread_create(&embedder->thread, NULL, drive, embedder) == 0);
  embedder->threaded = true;
}

void embedder_stop(struct embedder *embedder) {
  if (!embedder->threaded) return;
  atomic_store(&embedder->stopping, true);
  engine_wake(embedder->engine);
  pthread_join(embedder->thread, NULL);
  embedder->threaded = false;
}

static const struct event *find_request(struct embedder *embedder, connection_id id) {
  for (size_t i = embedder->count; i-- > 0;) {
    const struct event *event = &embedder->events[i];
    if (event->id == id && event->kind == EVENT_REQUEST) return event;
  }
  return NULL;
}

/* Commands may find nothing: the connection may have ended behind its event, in the same turn. */
static bool dial_backend(struct embedder *embedder, const struct event *request, uint16_t port, uint32_t group) {
  struct dial dial = {.address = "127.0.0.1",
                      .port = port,
                      .slot = embedder->slot,
                      .group = group,
                      .head = request->head,
                      .head_length = request->head_length,
                      .connect_timeout_ms = embedder->connect_timeout_ms,
                      .answer_timeout_ms = embedder->answer_timeout_ms};
  bool first = embedder->bound_ms > 0 && port == embedder->backend_port;
  if (first && !engine_bound(embedder->engine, request->id, embedder->bound_ms)) return false;
  return engine_connect(embedder->engine, request->id, &dial);
}

static void on_response(struct embedder *embedder, const struct event *event) {
  struct engine *engine = embedder->engine;
  static const char log[] = "\"by\":\"response\"";
  int status = event->head_length > 12 ? atoi(event->head + 9) : 0;
  if (status == 101) {
    engine_splice(engine, event->id, event->head, event->head_length, log, sizeof log - 1, embedder->idle_timeout_ms,
                  embedder->lifetime_ms, embedder->owner);
    return;
  }
  if (status >= 100 && status < 200) {
    engine_interim(engine, event->id, event->head, event->head_length);
    return;
  }
  const char *length = strcasestr(event->head, "\r\ncontent-length:");
  enum relay_mode mode = length != NULL ? RELAY_LENGTH : RELAY_UNTIL_EOF;
  if (strcasestr(event->head, "\r\ntransfer-encoding: chunked") != NULL) mode = RELAY_CHUNKED;
  uint64_t body = length != NULL ? strtoull(length + 17, NULL, 10) : 0;
  engine_relay(engine, event->id, event->head, event->head_length, mode, body, log, sizeof log - 1,
               embedder->idle_timeout_ms);
}

static void on_failed(struct embedder *embedder, const struct event *event) {
  const struct event *request = find_request(embedder, event->id);
  uint16_t port = embedder->retry_port;
  embedder->retry_port = 0;
  if (port != 0 && request != NULL) {
    dial_backend(embedder, request, port, embedder->answer_group);
    return;
  }
  static const char log[] = "\"by\":\"failed\"";
  const char *answer = event->d == STAGE_REQUEST_HEAD ? "HTTP/1.1 408 Request Timeout\r\ncontent-length: 4\r\n\r\nlate"
                                                      : "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 3\r\n\r\nbad";
  engine_respond(embedder->engine, event->id, answer, strlen(answer), log, sizeof log - 1, embedder->answer_group);
}

void embedder_proxy(struct embedder *embedder, const struct event *event) {
  static const char log[] = "\"by\":\"ended\"";
  switch (event->kind) {
    case EVENT_REQUEST: dial_backend(embedder, event, embedder->backend_port, embedder->group); break;
    case EVENT_RESPONSE: on_response(embedder, event); break;
    case EVENT_FAILED: on_failed(embedder, event); break;
    case EVENT_ENDED:
      if (embedder->log_ended) CHECK(engine_log_ended(embedder->engine, event->id, log, sizeof log - 1));
      break;
    default: CHECK(!"a known event");
  }
}

size_t embedder_count(struct embedder *embedder, enum event_kind kind) {
  size_t count = 0;
  pthread_mutex_lock(&embedder->lock);
  for (size_t i = 0; i < embedder->count; i++) count += embedder->events[i].kind == (uint32_t)kind;
  pthread_mutex_unlock(&embedder->lock);
  return count;
}

struct event embedder_last(struct embedder *embedder, enum event_kind kind) {
  struct event found = {0};
  pthread_mutex_lock(&embedder->lock);
  for (size_t i = embedder->count; i-- > 0 && found.kind == 0;) {
    if (embedder->events[i].kind == (uint32_t)kind) found = embedder->events[i];
  }
  pthread_mutex_unlock(&embedder->lock);
  CHECK(found.kind != 0);
  return found;
}
