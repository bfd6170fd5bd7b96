/* Request heads: in any pieces, at the limit and over it, with bytes behind them, more at once than the buffer holds. */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

static struct rig rig;
static char head[70000];

TEST(request_head_cut_at_every_byte) {
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

TEST(request_head_one_byte_at_a_time) {
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

/* TLS on a plain port: a head that is refused, and not one that is waited for. */
TEST(request_no_head_is_not_waited_for) {
  rig_open(&rig, NULL, 0);
  rig.embedder.decide = NULL;
  int client = rig_client(&rig);
  socket_send_text(client, "\x16\x03\x01");
  EVENTUALLY(embedder_count(&rig.embedder, EVENT_REQUEST) == 1);
  CHECK(strcmp(embedder_last(&rig.embedder, EVENT_REQUEST).head, "\x16\x03\x01") == 0);
  close(client);
  rig_close(&rig);
}

TEST(request_bare_lf_ends_a_head) {
  const char *heads[] = {"GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\n\r\n",
                         "GET / HTTP/1.1\r\nHost: a\r\n\n"};
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

TEST(request_head_of_exactly_the_limit) {
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

TEST(request_head_over_the_limit_is_answered) {
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

TEST(request_many_early_bytes) {
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

TEST(request_timeout) {
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

/* Many heads at once: more than the event buffer holds. What a run leaves over must wake the next one. */
TEST(request_full_event_buffer_wakes_again) {
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
TEST(request_waiting_handover_wakes_again) {
  enum { CLIENTS = 63 };
  rig_open(&rig, NULL, 0);
  rig.embedder.decide = NULL;
  rig.embedder.rounds_max = 1;
  make_head(16384);
  int clients[CLIENTS + 1];
  for (int i = 0; i < CLIENTS; i++) clients[i] = rig_client(&rig);
  EVENTUALLY(rig_stats(&rig).opened == CLIENTS);
  struct pollfd wait = {.fd = engine_poll_fd(rig.engine), .events = POLLIN};
  while (poll(&wait, 1, 0) > 0) embedder_step(&rig.embedder, 0);
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
