/*
 * The client's half of the handshake, and what both halves share: failures and time limits.
 *
 * Heads are collected here and decided elsewhere. Everything behind a head is kept, in order, for the stream.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct handshake *handshake_get(struct connection *connection) {
  if (connection->handshake == NULL) connection->handshake = calloc(1, sizeof *connection->handshake);
  return connection->handshake;
}

void handshake_free(struct connection *connection) {
  struct handshake *handshake = connection->handshake;
  if (handshake == NULL) return;
  free(handshake->out);
  free(handshake->in);
  free(handshake->early);
  free(handshake);
  connection->handshake = NULL;
}

static bool finish_request(struct engine *engine, struct connection *connection, const uint8_t *head, uint32_t length,
                           uint32_t head_length) {
  struct handshake *handshake = handshake_get(connection);
  if (handshake == NULL) return false;
  if (!head_copy(&handshake->early, &handshake->early_length, head + head_length, length - head_length, 0)) return false;
  uint8_t *space = events_head_space(engine, connection);
  if (space != head) memcpy(space, head, head_length);
  free(handshake->in);
  handshake->in = NULL;
  handshake->in_length = 0;
  connection->state = STATE_DECIDING;
  connection->deadline_ms = engine->now_ms + DECIDING_TIMEOUT_MS;
  events_request(engine, connection, head_length);
  return true;
}

/* What is still kept for the client: of a TLS handshake, of an answer before this request. */
static void flush_client(struct engine *engine, struct side *client) {
  if (client->pending_length > 0 && side_flush(engine, client) == SEND_ERROR) client->hup = client->reset = true;
}

/* No request begins like this, whatever follows: it is refused now, not when the time for a head is over. TLS on a plain
 * port begins with 0x16. */
static bool no_head(const uint8_t *bytes, uint32_t length) {
  return length > 0 && bytes[0] < ' ' && bytes[0] != '\r' && bytes[0] != '\n';
}

void handshake_read_request(struct engine *engine, struct connection *connection) {
  flush_client(engine, &connection->client);
  if (!engine->deciding || atomic_load(&engine->state) == ENGINE_DEAD) return; /* the next owner reads it */
  uint8_t *head = NULL, *space = events_head_space(engine, connection);
  uint32_t length = 0, end = 0;
  bool kept = true;
  switch (head_receive(engine, &connection->client, connection->handshake, space, &head, &length, &end)) {
    case HEAD_DONE: kept = finish_request(engine, connection, head, length, end); break;
    case HEAD_MORE:
      if (no_head(head, length)) {
        kept = finish_request(engine, connection, head, length, length);
        break;
      }
      kept = head_keep(engine, connection, head, length);
      if (connection->client.readable) ready_push(engine, connection);
      break;
    case HEAD_TOO_LARGE: handshake_fail(engine, connection, STAGE_REQUEST_HEAD, FAILED_TOO_LARGE, 0); break;
    case HEAD_EOF:
    case HEAD_ERROR: connection_end(engine, connection, REASON_CLIENT_ABORTED); break;
  }
  if (!kept) connection_end(engine, connection, REASON_INTERNAL_ERROR);
}

/* A client that has left while its handshake is on the way: nobody waits for the answer. */
void handshake_on_client(struct engine *engine, struct connection *connection) {
  flush_client(engine, &connection->client);
  if (!connection->client.hup) return;
  if (connection->client.reset) {
    connection_end(engine, connection, REASON_CLIENT_ABORTED); /* whatever it sent before, nobody takes an answer */
    return;
  }
  uint8_t byte;
  ssize_t count = side_peek(&connection->client, &byte, 1);
  connection->client.readable = true; /* the end is still to be read */
  if (count > 0 || (count < 0 && errno == EAGAIN)) return;
  struct handshake *handshake = connection->handshake;
  bool half_closed_behind_data = count == 0 && handshake != NULL && handshake->early_length > 0;
  if (!half_closed_behind_data) connection_end(engine, connection, REASON_CLIENT_ABORTED);
}

void handshake_fail(struct engine *engine, struct connection *connection, enum failed_stage stage,
                    enum failed_code code, int error) {
  backend_release(engine, connection);
  struct handshake *handshake = handshake_get(connection);
  if (handshake == NULL) {
    connection_end(engine, connection, REASON_INTERNAL_ERROR);
    return;
  }
  free(handshake->out);
  handshake->out = NULL;
  handshake->in_length = 0;
  handshake->stage = (uint8_t)stage;
  handshake->code = (uint8_t)code;
  handshake->error = error;
  handshake->why = NULL;
  connection->state = STATE_DECIDING;
  connection->deadline_ms = engine->now_ms + DECIDING_TIMEOUT_MS;
  timer_set(engine, connection, connection->deadline_ms);
  notice_push(engine, connection, NOTICE_FAILED);
}

uint64_t handshake_deadline(const struct connection *connection) {
  bool waiting = connection->state == STATE_CONNECTING || connection->state == STATE_BACKEND_TLS ||
                 connection->state == STATE_READING_RESPONSE;
  uint64_t deadline = connection->deadline_ms;
  uint64_t bound = waiting && connection->handshake != NULL ? connection->handshake->bound_ms : 0;
  return bound != 0 && (deadline == 0 || bound < deadline) ? bound : deadline;
}

/* The wheel keeps the nearest of a connection's deadlines, so what is set later for a stage does not hide this one. */
bool engine_bound(struct engine *engine, connection_id id, uint32_t bound_ms) {
  struct connection *connection = connection_find(engine, id);
  if (connection == NULL || connection->state != STATE_DECIDING || connection->notice != NOTICE_NONE) return false;
  struct handshake *handshake = handshake_get(connection);
  if (handshake == NULL) {
    connection_end(engine, connection, REASON_INTERNAL_ERROR);
    return true;
  }
  engine_clock(engine);
  handshake->bound_ms = engine->now_ms + bound_ms;
  timer_set(engine, connection, handshake->bound_ms);
  return true;
}

void handshake_timeout(struct engine *engine, struct connection *connection) {
  switch (connection->state) {
    case STATE_CLIENT_PROXY:
    case STATE_CLIENT_TLS: connection_end(engine, connection, REASON_REQUEST_TIMEOUT); break;
    case STATE_READING_REQUEST:
      if (engine->deciding) {
        handshake_fail(engine, connection, STAGE_REQUEST_HEAD, FAILED_TIMEOUT, 0);
      } else {
        connection_end(engine, connection, REASON_REQUEST_TIMEOUT);
      }
      break;
    case STATE_CONNECTING:
    case STATE_BACKEND_TLS: handshake_fail(engine, connection, STAGE_CONNECT, FAILED_TIMEOUT, 0); break;
    case STATE_READING_RESPONSE: handshake_fail(engine, connection, STAGE_RESPONSE, FAILED_TIMEOUT, 0); break;
    default: connection_end(engine, connection, REASON_INTERNAL_ERROR); break; /* nobody decided for a minute */
  }
}
