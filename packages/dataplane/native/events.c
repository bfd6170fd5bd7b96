/*
 * Event records: what the engine tells the embedder, written straight into the buffer that it reads.
 *
 * A head is received into its place in the record. Records with a head need room for the largest one, so turns stop
 * when less is left (engine_turn answers true); notices (failed, ended) wait on a list of connections until there is
 * room. The layout is in src/engine/events.ts, field by field.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "internal.h"

bool events_room(const struct engine *engine) {
  return engine->events_length + EVENT_HEADER_BYTES + ADDRESS_TEXT_MAX + engine->options.head_bytes_max +
             TLS_TEXT_BYTES + 8 <=
         EVENT_BUFFER_BYTES;
}

static uint32_t address_text(const struct connection *connection, char *out) {
  const uint8_t *bytes = connection->address.s6_addr;
  if (!IN6_IS_ADDR_V4MAPPED(&connection->address)) {
    inet_ntop(AF_INET6, bytes, out, ADDRESS_TEXT_MAX);
    return (uint32_t)strlen(out);
  }
  return (uint32_t)snprintf(out, ADDRESS_TEXT_MAX, "%u.%u.%u.%u", bytes[12], bytes[13], bytes[14], bytes[15]);
}

uint8_t *events_head_space(struct engine *engine, const struct connection *connection) {
  uint8_t *text = engine->events + engine->events_length + EVENT_HEADER_BYTES;
  char address[ADDRESS_TEXT_MAX]; /* not in place: its NUL would be the first byte of a head that is there already */
  engine->events_address = connection != NULL ? address_text(connection, address) : 0;
  memcpy(text, address, engine->events_address);
  return text + engine->events_address;
}

struct record {
  enum event_kind kind;
  double a, b;
  uint32_t d, code, error, address_length, head_length, text_length;
};

static void put_u32(uint8_t *at, uint32_t value) { memcpy(at, &value, sizeof value); }
static void put_f64(uint8_t *at, double value) { memcpy(at, &value, sizeof value); }

static void write_record(struct engine *engine, const struct connection *connection, const struct record *record) {
  uint8_t *at = engine->events + engine->events_length;
  uint32_t length = (EVENT_HEADER_BYTES + record->address_length + record->head_length + record->text_length + 7) & ~7u;
  put_u32(at, length);
  put_u32(at + 4, record->kind);
  put_f64(at + 8, (double)connection_name(connection));
  put_f64(at + 16, record->a);
  put_f64(at + 24, record->b);
  put_u32(at + 32, connection->listener->tag);
  put_u32(at + 36, record->d);
  put_u32(at + 40, record->code);
  put_u32(at + 44, record->error);
  put_u32(at + 48, record->address_length);
  put_u32(at + 52, record->head_length);
  engine->events_length += length;
}

static double wall_ms(const struct engine *engine, uint64_t at_us) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  double wall = (double)now.tv_sec * 1000 + (double)(now.tv_nsec / 1000000);
  return wall - (double)((engine->now_us - at_us) / 1000);
}

/* Of a client with TLS: behind the head, which lies where it will stay. */
static uint32_t put_tls(struct engine *engine, struct connection *connection, uint32_t head_length) {
  struct side *client = &connection->client;
  if (client->tls == NULL) return 0;
  uint32_t at = EVENT_HEADER_BYTES + engine->events_address + head_length;
  uint32_t length = tls_describe(client, (char *)engine->events + engine->events_length + at, TLS_TEXT_BYTES);
  tls_settle(client);
  return length;
}

void events_request(struct engine *engine, struct connection *connection, uint32_t head_length) {
  uint32_t text_length = put_tls(engine, connection, head_length);
  write_record(engine, connection,
               &(struct record){.kind = EVENT_REQUEST,
                                .a = wall_ms(engine, connection->opened_us),
                                .d = connection->port,
                                .code = text_length,
                                .address_length = engine->events_address,
                                .head_length = head_length,
                                .text_length = text_length});
}

void events_response(struct engine *engine, struct connection *connection, uint32_t head_length) {
  const struct handshake *handshake = connection->handshake;
  write_record(engine, connection,
               &(struct record){.kind = EVENT_RESPONSE,
                                .a = (double)(handshake->connected_us - connection->connect_us) / 1000,
                                .b = (double)(engine->now_us - connection->connect_us) / 1000,
                                .head_length = head_length});
}

void notice_push(struct engine *engine, struct connection *connection, enum notice notice) {
  connection->notice = (uint8_t)notice;
  if (connection->on_notices) return;
  connection->on_notices = true;
  connection->notice_next = NULL;
  if (engine->notice_tail != NULL) {
    engine->notice_tail->notice_next = connection;
  } else {
    engine->notice_head = connection;
  }
  engine->notice_tail = connection;
  if (!engine->turning) engine_wake(engine);
}

static void write_failed(struct engine *engine, const struct connection *connection) {
  const struct handshake *handshake = connection->handshake;
  bool first = handshake->stage == STAGE_REQUEST_HEAD;
  uint8_t *space = events_head_space(engine, first ? connection : NULL);
  uint32_t why_length = handshake->why != NULL ? (uint32_t)strlen(handshake->why) : 0;
  if (why_length > TLS_TEXT_BYTES) why_length = TLS_TEXT_BYTES;
  if (why_length > 0) memcpy(space, handshake->why, why_length);
  write_record(engine, connection,
               &(struct record){.kind = EVENT_FAILED,
                                .d = handshake->stage,
                                .code = handshake->code,
                                .error = (uint32_t)handshake->error,
                                .address_length = engine->events_address,
                                .head_length = why_length});
}

static void write_ended(struct engine *engine, struct connection *connection) {
  write_record(engine, connection,
               &(struct record){.kind = EVENT_ENDED,
                                .a = (double)connection->bytes_up,
                                .b = (double)(engine->now_us - connection->opened_us) / 1000,
                                .d = connection->reason});
  connection->notice_next = engine->ended_head;
  engine->ended_head = connection;
}

size_t engine_events(struct engine *engine) {
  while (engine->notice_head != NULL && events_room(engine)) {
    struct connection *connection = engine->notice_head;
    engine->notice_head = connection->notice_next;
    if (engine->notice_head == NULL) engine->notice_tail = NULL;
    connection->on_notices = false;
    if (connection->notice == NOTICE_FAILED) write_failed(engine, connection);
    if (connection->notice == NOTICE_ENDED) write_ended(engine, connection);
    connection->notice = NOTICE_NONE;
  }
  return engine->events_length;
}

void engine_delivered(struct engine *engine) {
  engine->events_length = 0;
  while (engine->ended_head != NULL) {
    struct connection *connection = engine->ended_head;
    engine->ended_head = connection->notice_next;
    connection_finish(engine, connection);
  }
}

uint8_t *engine_event_buffer(struct engine *engine) { return engine->events; }
char *engine_text(struct engine *engine) { return engine->text; }
