/*
 * The backend's half of the handshake: an endpoint is dialled, the head is sent, its answer's head is collected.
 *
 * Every failure releases the backend and leaves the client held, so that another endpoint can be tried. What this
 * machine lacks (ports, descriptors, memory) is told apart from what the endpoint did.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "internal.h"

static bool is_local(int error) {
  return error == EADDRNOTAVAIL || error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM ||
         error == EAGAIN || error == EACCES || error == EPERM || error == EAFNOSUPPORT;
}

static void fail_connect(struct engine *engine, struct connection *connection, int error) {
  enum failed_code code = is_local(error) ? FAILED_LOCAL : error == ETIMEDOUT ? FAILED_TIMEOUT : FAILED_ERRNO;
  handshake_fail(engine, connection, STAGE_CONNECT, code, error);
}

void upstream_failed(struct engine *engine, struct connection *connection, int error, const char *why) {
  if (error != 0) {
    fail_connect(engine, connection, error);
    return;
  }
  handshake_fail(engine, connection, STAGE_CONNECT, FAILED_TLS, 0);
  if (connection->handshake != NULL) connection->handshake->why = why;
}

/* Connects without waiting; the errno, 0 when it is under way or done. */
static int dial_socket(struct engine *engine, struct connection *connection, const struct dial *dial) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(dial->port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(dial->port)};
  bool is_v4 = inet_pton(AF_INET, dial->address, &v4.sin_addr) == 1;
  if (!is_v4 && inet_pton(AF_INET6, dial->address, &v6.sin6_addr) != 1) return EINVAL;
  int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  connection->backend = (struct side){.fd = fd};
  connection_count(engine, connection, dial->slot);
  if (dial->tls != 0 && !tls_connect(engine, &connection->backend, dial->tls)) return ENOMEM;
  const struct sockaddr *address = is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
  if (connect(fd, address, is_v4 ? sizeof v4 : sizeof v6) != 0 && errno != EINPROGRESS) return errno;
  return connection_watch(engine, connection, true) ? 0 : ENOMEM;
}

static void await_answer(struct engine *engine, struct connection *connection) {
  struct handshake *handshake = connection->handshake;
  engine_clock(engine);
  handshake->connected_us = engine->now_us;
  connection->state = STATE_READING_RESPONSE;
  uint32_t timeout = handshake->answer_timeout_ms;
  handshake->answer_deadline_ms = timeout > 0 ? engine->now_ms + timeout : 0;
  connection->deadline_ms = handshake->answer_deadline_ms;
  timer_set(engine, connection, connection->deadline_ms);
}

void upstream_secured(struct engine *engine, struct connection *connection) {
  struct handshake *handshake = connection->handshake;
  const uint8_t *head = (const uint8_t *)handshake->out;
  if (side_send(engine, &connection->backend, head, handshake->out_length) == SEND_ERROR) {
    fail_connect(engine, connection, errno);
    return;
  }
  free(handshake->out);
  handshake->out = NULL;
  await_answer(engine, connection);
  ready_push(engine, connection); /* what has come with the end of the handshake brings no further event */
}

/* Sends the head; a socket that is still connecting answers EAGAIN, one that was refused says so. */
static void send_head(struct engine *engine, struct connection *connection) {
  struct handshake *handshake = connection->handshake;
  ssize_t count = send(connection->backend.fd, handshake->out, handshake->out_length, MSG_NOSIGNAL);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count < 0) {
    fail_connect(engine, connection, errno);
    return;
  }
  await_answer(engine, connection);
  uint32_t rest = handshake->out_length - (uint32_t)count;
  if (rest > 0) side_send(engine, &connection->backend, (uint8_t *)handshake->out + count, rest);
  free(handshake->out);
  handshake->out = NULL;
}

bool engine_connect(struct engine *engine, connection_id id, const struct dial *dial) {
  struct connection *connection = connection_find(engine, id);
  if (connection == NULL || connection->state != STATE_DECIDING || connection->notice != NOTICE_NONE) return false;
  if (connection->client.tls != NULL && tls_unverified(&connection->client)) return false;
  meters_open(engine, connection, dial->group);
  struct handshake *handshake = handshake_get(connection);
  char *head = malloc(dial->head_length);
  if (handshake == NULL || head == NULL) {
    free(head);
    connection_end(engine, connection, REASON_INTERNAL_ERROR);
    return true;
  }
  memcpy(head, dial->head, dial->head_length);
  handshake->out = head;
  handshake->out_length = (uint32_t)dial->head_length;
  handshake->answer_timeout_ms = dial->answer_timeout_ms;
  engine_clock(engine);
  if (connection->connect_us == 0) connection->connect_us = engine->now_us;
  connection->backend_closed_us = 0;
  connection->state = dial->tls != 0 ? STATE_BACKEND_TLS : STATE_CONNECTING;
  int error = dial_socket(engine, connection, dial);
  if (error != 0) {
    fail_connect(engine, connection, error);
    return true;
  }
  connection->deadline_ms = dial->connect_timeout_ms > 0 ? engine->now_ms + dial->connect_timeout_ms : 0;
  timer_set(engine, connection, connection->deadline_ms);
  if (dial->tls != 0) {
    tls_backend_run(engine, connection); /* what it sends is kept until there is a connection */
  } else {
    send_head(engine, connection); /* on a short path the connection is there already: one wait less */
  }
  /* What came with the head brings no further event: a client that has left already is noticed now. */
  if (connection->client.hup) ready_push(engine, connection);
  return true;
}

void upstream_event(struct engine *engine, struct connection *connection, uint32_t events) {
  if (connection->state == STATE_CONNECTING) {
    if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) send_head(engine, connection);
    if (connection->state != STATE_READING_RESPONSE) return;
  }
  if (connection->backend.pending_length > 0) side_flush(engine, &connection->backend);
  upstream_read(engine, connection);
}

/* A head of the backend is complete: what follows it stays in `in`. */
static bool finish_response(struct engine *engine, struct connection *connection, const uint8_t *head, uint32_t length,
                            uint32_t head_length) {
  struct handshake *handshake = connection->handshake;
  uint8_t *space = events_head_space(engine, NULL);
  if (space != head) memcpy(space, head, head_length);
  if (!head_copy(&handshake->in, &handshake->in_length, head + head_length, length - head_length,
            engine->options.head_bytes_max)) {
    return false;
  }
  connection->state = STATE_DECIDING_RESPONSE;
  engine_clock(engine);
  connection->deadline_ms = engine->now_ms + DECIDING_TIMEOUT_MS;
  timer_set(engine, connection, connection->deadline_ms);
  events_response(engine, connection, head_length);
  return true;
}

static void fail_response(struct engine *engine, struct connection *connection, enum head_status status,
                          bool partial) {
  enum failed_code code = partial ? FAILED_TRUNCATED : status == HEAD_EOF ? FAILED_EOF : FAILED_RESET;
  handshake_fail(engine, connection, STAGE_RESPONSE, code, status == HEAD_ERROR ? errno : 0);
}

void upstream_read(struct engine *engine, struct connection *connection) {
  struct handshake *handshake = connection->handshake;
  uint8_t *head = handshake->in, *space = events_head_space(engine, NULL);
  uint32_t length = handshake->in_length;
  uint32_t end = length > 0 ? head_end(head, length, 0) : 0; /* behind an interim answer the next may be there */
  enum head_status status = HEAD_DONE;
  if (end == 0) status = head_receive(engine, &connection->backend, handshake, space, &head, &length, &end);
  bool kept = true;
  switch (status) {
    case HEAD_DONE: kept = finish_response(engine, connection, head, length, end); break;
    case HEAD_MORE:
      kept = head_keep(engine, connection, head, length);
      if (connection->backend.readable) ready_push(engine, connection);
      break;
    case HEAD_TOO_LARGE: handshake_fail(engine, connection, STAGE_RESPONSE, FAILED_TOO_LARGE, 0); break;
    case HEAD_EOF:
    case HEAD_ERROR: fail_response(engine, connection, status, length > 0); break;
  }
  if (!kept) connection_end(engine, connection, REASON_INTERNAL_ERROR);
}

bool engine_interim(struct engine *engine, connection_id id, const char *head, size_t length) {
  struct connection *connection = connection_find(engine, id);
  if (connection == NULL || connection->state != STATE_DECIDING_RESPONSE) return false;
  struct side *client = &connection->client;
  if (side_flush(engine, client) == SEND_ERROR || side_send(engine, client, (const uint8_t *)head, length) == SEND_ERROR) {
    connection_end(engine, connection, REASON_CLIENT_ABORTED);
    return true;
  }
  if (client->pending_length > SCRATCH_BYTES) { /* interim answers without end to a client that does not read */
    handshake_fail(engine, connection, STAGE_RESPONSE, FAILED_TOO_LARGE, 0);
    return true;
  }
  connection->state = STATE_READING_RESPONSE;
  connection->deadline_ms = connection->handshake->answer_deadline_ms; /* interim answers buy no time */
  timer_set(engine, connection, connection->deadline_ms);
  ready_push(engine, connection);
  return true;
}
