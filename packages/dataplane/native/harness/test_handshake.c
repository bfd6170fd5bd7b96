/* The handshake, client side and commands: heads in any pieces, limits, aborts, stale names. */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

static struct rig rig;
static char head[70000];

TEST(handshake_request_head_cut_at_every_byte) {
  rig_open(&rig, NULL, 0);
  size_t length = strlen(REQUEST_HEAD);
  for (size_t cut = 1; cut < length; cut++) {
    int client = rig_client(&rig);
    socket_send(client, REQUEST_HEAD, cut);
    EVENTUALLY(rig_stats(&rig).opened == cut);
    embedder_step(&rig.embedder, 0);
    CHECK_EQ(embedder_count(&rig.embedder, EVENT_REQUEST), cut - 1);
    socket_send(client, REQUEST_HEAD "early" + cut, length + 5 - cut);
    int backend = rig_backend(&rig);
    socket_expect_text(backend, REQUEST_HEAD);
    socket_send_text(backend, SWITCH_HEAD);
    socket_expect_text(backend, "early");
    struct event event = embedder_last(&rig.embedder, EVENT_REQUEST);
    CHECK(strcmp(event.head, REQUEST_HEAD) == 0 && strcmp(event.address, "127.0.0.1") == 0);
    CHECK_EQ(event.tag, 7);
    close(client);
    socket_expect_eof(backend);
    close(backend);
  }
  rig_close(&rig);
}

TEST(handshake_request_head_one_byte_at_a_time) {
  rig_open(&rig, NULL, 0);
  int client = rig_client(&rig);
  for (const char *at = REQUEST_HEAD; *at != 0; at++) {
    socket_send(client, at, 1);
    embedder_step(&rig.embedder, 5);
  }
  int backend = rig_backend(&rig);
  socket_expect_text(backend, REQUEST_HEAD);
  socket_reset(client);
  socket_drain(backend, head, sizeof head, &(size_t){0});
  close(backend);
  rig_close(&rig);
}

TEST(handshake_bare_lf_ends_a_head) {
  const char *heads[] = {"GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\n"};
  rig_open(&rig, NULL, 0);
  rig.embedder.decide = NULL;
  for (size_t i = 0; i < 3; i++) {
    int client = rig_client(&rig);
    socket_send_text(client, heads[i]);
    EVENTUALLY(embedder_count(&rig.embedder, EVENT_REQUEST) == i + 1);
    CHECK(strcmp(embedder_last(&rig.embedder, EVENT_REQUEST).head, heads[i]) == 0);
    close(client);
  }
  rig_close(&rig);
}

static void make_head(size_t length) {
  size_t start = strlen("GET / HTTP/1.1\r\nX: ");
  memcpy(head, "GET / HTTP/1.1\r\nX: ", start);
  memset(head + start, 'x', length - start - 4);
  memcpy(head + length - 4, "\r\n\r\n", 4);
}

TEST(handshake_head_of_exactly_the_limit) {
  rig_open(&rig, NULL, 0);
  make_head(16384);
  for (int pieces = 1; pieces <= 2; pieces++) {
    int client = rig_client(&rig);
    socket_send(client, head, pieces == 1 ? 16384 : 16383);
    if (pieces == 2) {
      EVENTUALLY(rig_stats(&rig).opened == 2);
      socket_send(client, head + 16383, 1);
    }
    int backend = rig_backend(&rig);
    socket_expect(backend, head, 16384);
    close(client);
    socket_expect_eof(backend);
    close(backend);
  }
  rig_close(&rig);
}

TEST(handshake_head_over_the_limit_is_answered) {
  rig_open(&rig, NULL, 0);
  make_head(16385);
  int client = rig_client(&rig);
  socket_send(client, head, 16385);
  EVENTUALLY(embedder_count(&rig.embedder, EVENT_FAILED) == 1);
  struct event event = embedder_last(&rig.embedder, EVENT_FAILED);
  CHECK_EQ(event.d, STAGE_REQUEST_HEAD);
  CHECK_EQ(event.code, FAILED_TOO_LARGE);
  CHECK(strcmp(event.address, "127.0.0.1") == 0);
  socket_expect_text(client, "HTTP/1.1 408 Request Timeout\r\ncontent-length: 4\r\n\r\nlate");
  socket_expect_eof(client);
  close(client);
  rig_expect_log(&rig, "\"closeReason\":\"refused\"");
  rig_close(&rig);
}

TEST(handshake_many_early_bytes) {
  rig_open(&rig, NULL, 0);
  int client = rig_client(&rig);
  size_t length = strlen(REQUEST_HEAD);
  memcpy(head, REQUEST_HEAD, length);
  for (size_t i = length; i < sizeof head; i++) head[i] = (char)(i * 31);
  socket_send(client, head, sizeof head);
  int backend = rig_backend(&rig);
  socket_expect_text(backend, REQUEST_HEAD);
  socket_send_text(backend, SWITCH_HEAD);
  socket_expect(backend, head + length, sizeof head - length);
  socket_shut(client);
  socket_expect_eof(backend);
  close(backend);
  socket_expect_text(client, SWITCH_HEAD);
  socket_expect_eof(client);
  close(client);
  rig_expect_log(&rig, "\"closeReason\":\"client-closed\"");
  CHECK_EQ(rig_log_number(&rig, "requestBodyBytes"), sizeof head - length);
  rig_close(&rig);
}

TEST(handshake_request_timeout) {
  struct engine_options options = embedder_options();
  options.request_head_timeout_ms = 60;
  rig_open(&rig, &options, 0);
  int client = rig_client(&rig);
  socket_send_text(client, "GET / HT");
  socket_expect_text(client, "HTTP/1.1 408 Request Timeout\r\ncontent-length: 4\r\n\r\nlate");
  struct event event = embedder_last(&rig.embedder, EVENT_FAILED);
  CHECK_EQ(event.d, STAGE_REQUEST_HEAD);
  CHECK_EQ(event.code, FAILED_TIMEOUT);
  close(client);
  rig_close(&rig);
}

static void leave(int client, bool reset) {
  if (reset) {
    socket_reset(client);
  } else {
    close(client);
  }
}

TEST(handshake_client_leaves_before_its_head) {
  for (int reset = 0; reset < 2; reset++) {
    rig_open(&rig, NULL, 0);
    int client = rig_client(&rig);
    socket_send_text(client, "GET / HT");
    EVENTUALLY(rig_stats(&rig).opened == 1);
    leave(client, reset);
    rig_expect_log(&rig, "\"by\":\"listener\"");
    rig_expect_log(&rig, "\"closeReason\":\"client-aborted\"");
    CHECK_EQ(embedder_count(&rig.embedder, EVENT_ENDED), 0); /* nobody has heard of it */
    rig_close(&rig);
  }
}

TEST(handshake_client_leaves_while_deciding) {
  for (int reset = 0; reset < 2; reset++) {
    rig_open(&rig, NULL, 0);
    rig.embedder.decide = NULL;
    int client = rig_client(&rig);
    socket_send_text(client, REQUEST_HEAD);
    EVENTUALLY(embedder_count(&rig.embedder, EVENT_REQUEST) == 1);
    leave(client, reset);
    EVENTUALLY(embedder_count(&rig.embedder, EVENT_ENDED) == 1);
    CHECK_EQ(embedder_last(&rig.embedder, EVENT_ENDED).d, REASON_CLIENT_ABORTED);
    rig_expect_log(&rig, "\"by\":\"listener\""); /* the embedder wrote none */
    rig_close(&rig);
    CHECK_EQ(embedder_count(&rig.embedder, EVENT_ENDED), 0);
  }
}

TEST(handshake_client_leaves_while_reading_response) {
  for (int log_ended = 0; log_ended < 2; log_ended++) {
    rig_open(&rig, NULL, 0);
    rig.embedder.log_ended = log_ended;
    int client = rig_client(&rig);
    socket_send_text(client, REQUEST_HEAD);
    int backend = rig_backend(&rig);
    socket_expect_text(backend, REQUEST_HEAD);
    CHECK_EQ(rig.active[0], 1);
    leave(client, log_ended);
    EVENTUALLY(embedder_count(&rig.embedder, EVENT_ENDED) == 1);
    socket_expect_eof(backend);
    close(backend);
    rig_expect_log(&rig, log_ended ? "\"by\":\"ended\"" : "\"by\":\"listener\"");
    rig_expect_log(&rig, "\"closeReason\":\"client-aborted\"");
    rig_close(&rig);
  }
}

TEST(handshake_half_close_behind_early_data_is_no_abort) {
  rig_open(&rig, NULL, 0);
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD "early");
  int backend = rig_backend(&rig);
  socket_expect_text(backend, REQUEST_HEAD);
  socket_shut(client);
  for (int i = 0; i < 5; i++) embedder_step(&rig.embedder, 1);
  CHECK_EQ(rig_stats(&rig).active, 1);
  socket_send_text(backend, SWITCH_HEAD "answer");
  socket_expect_text(backend, "early");
  socket_expect_eof(backend);
  socket_expect_text(client, SWITCH_HEAD "answer");
  close(backend);
  socket_expect_eof(client);
  close(client);
  rig_expect_log(&rig, "\"closeReason\":\"client-closed\"");
  rig_close(&rig);
}

/* Every command with a name that is no connection's, or not any more, or one in another state. */
static void expect_stale(connection_id id) {
  struct engine *engine = rig.engine;
  struct dial dial = {.address = "127.0.0.1", .port = rig.backend_port, .slot = 0, .head = "x", .head_length = 1};
  CHECK(!engine_connect(engine, id, &dial));
  CHECK(!engine_interim(engine, id, "x", 1));
  CHECK(!engine_splice(engine, id, "x", 1, "", 0, 0, 0));
  CHECK(!engine_relay(engine, id, "x", 1, RELAY_LENGTH, 0, "", 0, 0));
  CHECK(!engine_respond(engine, id, "x", 1, "", 0));
  CHECK(!engine_close(engine, id, REASON_REFUSED, "", 0));
  CHECK(!engine_log_ended(engine, id, "", 0));
}

TEST(handshake_stale_names_find_nothing) {
  rig_open(&rig, NULL, 0);
  expect_stale(0);
  expect_stale((connection_id)1 << 51);
  expect_stale(CONNECTIONS_MAX - 1);
  int client, backend;
  rig_splice(&rig, &client, &backend);
  connection_id id = embedder_last(&rig.embedder, EVENT_REQUEST).id;
  expect_stale(id); /* spliced: nothing left to decide */
  close(client);
  socket_expect_eof(backend);
  close(backend);
  EVENTUALLY(rig_stats(&rig).active == 0);
  expect_stale(id);
  rig_splice(&rig, &client, &backend); /* the same place, another generation */
  CHECK(embedder_last(&rig.embedder, EVENT_REQUEST).id != id);
  CHECK_EQ(embedder_last(&rig.embedder, EVENT_REQUEST).id & (CONNECTIONS_MAX - 1), id & (CONNECTIONS_MAX - 1));
  expect_stale(id);
  close(client);
  close(backend);
  rig_close(&rig);
}

TEST(handshake_close_by_the_embedder) {
  rig_open(&rig, NULL, 0);
  rig.embedder.decide = NULL;
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD);
  EVENTUALLY(embedder_count(&rig.embedder, EVENT_REQUEST) == 1);
  connection_id id = embedder_last(&rig.embedder, EVENT_REQUEST).id;
  CHECK(engine_close(rig.engine, id, REASON_INTERNAL_ERROR, "\"own\":1", 7));
  expect_stale(id);
  socket_expect_eof(client);
  close(client);
  rig_expect_log(&rig, "\"own\":1,");
  rig_expect_log(&rig, "\"closeReason\":\"internal-error\"");
  CHECK_EQ(embedder_count(&rig.embedder, EVENT_ENDED), 0);
  rig_close(&rig);
}

/* Many heads at once: more than the event buffer holds. What a run leaves over must wake the next one. */
TEST(handshake_full_event_buffer_wakes_again) {
  enum { CLIENTS = 200 };
  rig_open(&rig, NULL, 0);
  rig.embedder.decide = NULL;
  rig.embedder.rounds_max = 1;
  make_head(16384);
  static int clients[CLIENTS];
  harness_on_idle(NULL, NULL); /* all wait in the queue before the engine looks */
  for (int i = 0; i < CLIENTS; i++) {
    clients[i] = rig_client(&rig);
    socket_send(clients[i], head, 16384);
  }
  for (int runs = 0; embedder_count(&rig.embedder, EVENT_REQUEST) < CLIENTS; runs++) {
    size_t before = embedder_count(&rig.embedder, EVENT_REQUEST);
    embedder_step(&rig.embedder, 0);
    if (embedder_count(&rig.embedder, EVENT_REQUEST) == before) {
      test_fail(__FILE__, __LINE__, "asleep with %zu of %d requests delivered", before, CLIENTS);
    }
  }
  for (int i = 0; i < CLIENTS; i++) close(clients[i]);
  while (rig_stats(&rig).active > 0) embedder_step(&rig.embedder, 100);
  rig_close(&rig);
}

/* The buffer is full exactly when the last socket has been served, and a hand-over still waits. */
TEST(handshake_waiting_handover_wakes_again) {
  enum { CLIENTS = 63 };
  rig_open(&rig, NULL, 0);
  rig.embedder.decide = NULL;
  rig.embedder.rounds_max = 1;
  make_head(16384);
  int clients[CLIENTS + 1];
  for (int i = 0; i < CLIENTS; i++) clients[i] = rig_client(&rig);
  EVENTUALLY(rig_stats(&rig).opened == CLIENTS);
  while (poll(&(struct pollfd){.fd = engine_poll_fd(rig.engine), .events = POLLIN}, 1, 0) > 0) embedder_step(&rig.embedder, 0);
  harness_on_idle(NULL, NULL);
  clients[CLIENTS] = rig_client(&rig);
  for (int i = 0; i < CLIENTS; i++) socket_send(clients[i], head, 16384);
  embedder_step(&rig.embedder, 0);
  CHECK_EQ(embedder_count(&rig.embedder, EVENT_REQUEST), CLIENTS);
  embedder_step(&rig.embedder, 0);
  CHECK_EQ(rig_stats(&rig).opened, CLIENTS + 1);
  for (int i = 0; i <= CLIENTS; i++) close(clients[i]);
  while (rig_stats(&rig).active > 0) embedder_step(&rig.embedder, 100);
  rig_close(&rig);
}

/* The worker dies between a client's leaving and the news of it: the record says why it ended. */
TEST(handshake_ended_keeps_its_reason_when_the_worker_dies) {
  rig_open(&rig, NULL, 0);
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD);
  int backend = rig_backend(&rig);
  socket_reset(client);
  CHECK(poll(&(struct pollfd){.fd = engine_poll_fd(rig.engine), .events = POLLIN}, 1, 1000) == 1);
  engine_turn(rig.engine);
  engine_detach(rig.engine);
  CHECK(engine_attach(rig.engine, true));
  engine_ready(rig.engine);
  rig_expect_log(&rig, "\"closeReason\":\"client-aborted\"");
  close(backend);
  rig_close(&rig);
}
