/* The handshake, backend side: answers in any pieces, interim answers, every way to fail, another try. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

static struct rig rig;

#define EARLY_HINTS "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"

/* A client whose request the backend has received. */
static void begin(int *client, int *backend) {
  *client = rig_client(&rig);
  socket_send_text(*client, REQUEST_HEAD);
  *backend = rig_backend(&rig);
  socket_expect_text(*backend, REQUEST_HEAD);
}

static void finish(int client, int backend) {
  close(client);
  socket_expect_eof(backend);
  close(backend);
  EVENTUALLY(rig_stats(&rig).active == 0);
}

TEST(answer_head_cut_at_every_byte) {
  rig_open(&rig, NULL, 0);
  const char whole[] = EARLY_HINTS SWITCH_HEAD "behind";
  size_t length = sizeof whole - 1;
  for (size_t cut = 1; cut < length; cut++) {
    int client, backend;
    begin(&client, &backend);
    socket_send(backend, whole, cut);
    for (int i = 0; i < 3; i++) embedder_step(&rig.embedder, 1);
    socket_send(backend, whole + cut, length - cut);
    socket_expect(client, whole, length);
    finish(client, backend);
  }
  rig_close(&rig);
}

TEST(answer_interim_and_switch_in_one_segment) {
  rig_open(&rig, NULL, 0);
  int client, backend;
  begin(&client, &backend);
  socket_send_text(backend, "HTTP/1.1 100 Continue\r\n\r\n" EARLY_HINTS EARLY_HINTS SWITCH_HEAD "behind");
  socket_expect_text(client, "HTTP/1.1 100 Continue\r\n\r\n" EARLY_HINTS EARLY_HINTS SWITCH_HEAD "behind");
  CHECK_EQ(embedder_count(&rig.embedder, EVENT_RESPONSE), 4);
  finish(client, backend);
  rig_expect_log(&rig, "\"closeReason\":\"client-closed\"");
  CHECK_EQ(rig_log_number(&rig, "responseBodyBytes"), 6);
  rig_close(&rig);
}

static void expect_failed(enum failed_stage stage, enum failed_code code, int error) {
  EVENTUALLY(embedder_count(&rig.embedder, EVENT_FAILED) == 1);
  struct event event = embedder_last(&rig.embedder, EVENT_FAILED);
  CHECK_EQ(event.d, stage);
  CHECK_EQ(event.code, code);
  CHECK_EQ(event.error, error);
}

static void expect_bad_gateway(int client) {
  socket_expect_text(client, BAD_GATEWAY);
  socket_expect_eof(client);
  close(client);
  rig_expect_log(&rig, "\"by\":\"failed\"");
  rig_expect_log(&rig, "\"closeReason\":\"refused\"");
  CHECK_EQ(rig_log_number(&rig, "responseBodyBytes"), 3);
  rig_close(&rig);
}

TEST(answer_connection_refused) {
  rig_open(&rig, NULL, 0);
  rig.embedder.backend_port = socket_refused_port();
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD);
  expect_failed(STAGE_CONNECT, FAILED_ERRNO, ECONNREFUSED);
  expect_bad_gateway(client);
}

TEST(answer_refused_then_another_endpoint) {
  rig_open(&rig, NULL, 0);
  rig.embedder.backend_port = socket_refused_port();
  rig.embedder.retry_port = rig.backend_port;
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD "early");
  int backend = rig_backend(&rig);
  socket_expect_text(backend, REQUEST_HEAD);
  CHECK_EQ(rig.active[0], 1);
  socket_send_text(backend, SWITCH_HEAD);
  socket_expect_text(client, SWITCH_HEAD);
  socket_expect_text(backend, "early");
  finish(client, backend);
  rig_close(&rig);
}

TEST(answer_reset_before_its_first_byte_then_another_endpoint) {
  rig_open(&rig, NULL, 0);
  rig.embedder.retry_port = rig.backend_port;
  int client, first;
  begin(&client, &first);
  socket_reset(first);
  expect_failed(STAGE_RESPONSE, FAILED_RESET, ECONNRESET);
  int second = rig_backend(&rig);
  socket_expect_text(second, REQUEST_HEAD);
  socket_send_text(second, SWITCH_HEAD "hello");
  socket_expect_text(client, SWITCH_HEAD "hello");
  finish(client, second);
  rig_close(&rig);
}

TEST(answer_eof_before_its_first_byte) {
  rig_open(&rig, NULL, 0);
  int client, backend;
  begin(&client, &backend);
  close(backend);
  expect_failed(STAGE_RESPONSE, FAILED_EOF, 0);
  expect_bad_gateway(client);
}

TEST(answer_truncated) {
  for (int apart = 0; apart < 2; apart++) {
    rig_open(&rig, NULL, 0);
    int client, backend;
    begin(&client, &backend);
    socket_send_text(backend, "HTTP/1.1 101 Swi");
    for (int i = 0; apart && i < 3; i++) embedder_step(&rig.embedder, 1);
    close(backend);
    expect_failed(STAGE_RESPONSE, FAILED_TRUNCATED, 0);
    expect_bad_gateway(client);
  }
}

TEST(answer_head_too_large) {
  rig_open(&rig, NULL, 0);
  int client, backend;
  begin(&client, &backend);
  static char head[16385];
  memset(head, 'x', sizeof head);
  memcpy(head, "HTTP/1.1 200 OK\r\nX: ", 20);
  socket_send(backend, head, sizeof head);
  expect_failed(STAGE_RESPONSE, FAILED_TOO_LARGE, 0);
  close(backend);
  expect_bad_gateway(client);
}

TEST(answer_timeout) {
  rig_open(&rig, NULL, 0);
  rig.embedder.answer_timeout_ms = 80;
  int client, backend;
  begin(&client, &backend);
  socket_send_text(backend, EARLY_HINTS); /* buys no time */
  expect_failed(STAGE_RESPONSE, FAILED_TIMEOUT, 0);
  socket_expect_eof(backend);
  close(backend);
  socket_expect_text(client, EARLY_HINTS);
  expect_bad_gateway(client);
}

TEST(answer_bound_of_the_request) {
  rig_open(&rig, NULL, 0);
  rig.embedder.bound_ms = 80; /* far less than what connecting and the answer may take each */
  int client, backend;
  begin(&client, &backend);
  socket_send_text(backend, EARLY_HINTS);
  expect_failed(STAGE_RESPONSE, FAILED_TIMEOUT, 0);
  socket_expect_eof(backend);
  close(backend);
  socket_expect_text(client, EARLY_HINTS);
  expect_bad_gateway(client);
}

/* A listener whose queue is full: further connections stay half open. */
static int full_listener(uint16_t *port, int *fillers, int count) {
  int fd = socket_listen(port, 0);
  CHECK(listen(fd, 0) == 0);
  for (int i = 0; i < count; i++) fillers[i] = socket_dial(*port, 0);
  return fd;
}

TEST(answer_connect_timeout_and_client_leaving_meanwhile) {
  rig_open(&rig, NULL, 0);
  int fillers[4];
  int full = full_listener(&rig.embedder.backend_port, fillers, 4);
  rig.descriptors += 5;
  int leaving = rig_client(&rig);
  socket_send_text(leaving, REQUEST_HEAD);
  EVENTUALLY(embedder_count(&rig.embedder, EVENT_REQUEST) == 1);
  CHECK_EQ(rig.active[0], 1);
  socket_reset(leaving);
  EVENTUALLY(embedder_count(&rig.embedder, EVENT_ENDED) == 1);
  CHECK_EQ(embedder_last(&rig.embedder, EVENT_ENDED).d, REASON_CLIENT_ABORTED);
  CHECK_EQ(rig.active[0], 0);
  rig_log_lines(&rig);
  rig.log_length = 0;
  rig.embedder.connect_timeout_ms = 80;
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD);
  expect_failed(STAGE_CONNECT, FAILED_TIMEOUT, 0);
  socket_expect_text(client, BAD_GATEWAY);
  close(client);
  rig_log_lines(&rig);
  rig.log_length = 0;
  rig.embedder.connect_timeout_ms = 5000;
  rig.embedder.bound_ms = 80;
  client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD);
  EVENTUALLY(embedder_count(&rig.embedder, EVENT_FAILED) == 2);
  CHECK_EQ(embedder_last(&rig.embedder, EVENT_FAILED).d, STAGE_CONNECT);
  for (int i = 0; i < 4; i++) close(fillers[i]);
  close(full);
  rig.descriptors -= 5;
  socket_expect_text(client, BAD_GATEWAY);
  close(client);
  rig_close(&rig);
}

TEST(answer_bad_address_is_a_failure) {
  rig_open(&rig, NULL, 0);
  rig.embedder.decide = NULL;
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD);
  EVENTUALLY(embedder_count(&rig.embedder, EVENT_REQUEST) == 1);
  struct dial dial = {.address = "nonsense", .port = 1, .slot = 0, .head = "x", .head_length = 1};
  CHECK(engine_connect(rig.engine, embedder_last(&rig.embedder, EVENT_REQUEST).id, &dial));
  expect_failed(STAGE_CONNECT, FAILED_ERRNO, EINVAL);
  close(client);
  rig_close(&rig);
}

/* Interim answers without end to a client that does not read: what is kept is bounded, too. */
TEST(answer_interim_flood_is_bounded) {
  rig_open(&rig, NULL, 4096);
  int client, backend;
  begin(&client, &backend);
  char head[2000];
  size_t start = strlen("HTTP/1.1 103 Early Hints\r\nX: ");
  memcpy(head, "HTTP/1.1 103 Early Hints\r\nX: ", start);
  memset(head + start, 'x', sizeof head - start);
  memcpy(head + sizeof head - 4, "\r\n\r\n", 4);
  size_t at = 0;
  for (int i = 0; i < 20000 && embedder_count(&rig.embedder, EVENT_FAILED) == 0; i++) {
    ssize_t count = write(backend, head + at, sizeof head - at);
    if (count > 0) at = (at + (size_t)count) % sizeof head;
    embedder_step(&rig.embedder, 1);
    CHECK(rig_stats(&rig).pending_bytes <= SCRATCH_BYTES + sizeof head + sizeof BAD_GATEWAY);
  }
  expect_failed(STAGE_RESPONSE, FAILED_TOO_LARGE, 0);
  socket_reset(client);
  close(backend);
  rig_close(&rig);
}
