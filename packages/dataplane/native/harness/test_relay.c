/* The relay of an answer that is no switch, and the last of a connection: answers whole, and an end without reset. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rig.h"

static struct rig rig;
static char out[2 << 20], body[1 << 20];

static void begin(int *client, int *backend) {
  *client = rig_client(&rig);
  socket_send_text(*client, REQUEST_HEAD);
  *backend = rig_backend(&rig);
  socket_expect_text(*backend, REQUEST_HEAD);
}

/* The answer arrives whole and ends, while the backend stays open; what it sends behind is not passed on. */
static void expect_relayed(const char *answer, const char *behind) {
  for (int pieces = 1; pieces <= 3; pieces++) {
    rig_open(&rig, NULL, 0);
    int client, backend;
    begin(&client, &backend);
    char whole[1024];
    int length = snprintf(whole, sizeof whole, "%s%s", answer, behind);
    for (int at = 0; at < length;) {
      int piece = pieces == 1 ? length : pieces == 2 ? length / 2 + 1 : 1;
      if (piece > length - at) piece = length - at;
      if (write(backend, whole + at, (size_t)piece) < 0) break; /* ended in front of the last bytes */
      at += piece;
      if (pieces > 1) embedder_step(&rig.embedder, 1);
    }
    socket_expect_text(client, answer);
    socket_expect_eof(client);
    close(client);
    rig_expect_log(&rig, "\"closeReason\":\"relayed\"");
    CHECK_EQ(rig_log_number(&rig, "responseBodyBytes"), strlen(strstr(answer, "\r\n\r\n") + 4));
    close(backend);
    rig_close(&rig);
  }
}

TEST(relay_by_length) {
  expect_relayed("HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nhello", "");
  expect_relayed("HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nhello", "excess");
}

TEST(relay_without_a_body) {
  expect_relayed("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "");
  expect_relayed("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "excess");
}

TEST(relay_chunked) {
  expect_relayed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "");
  expect_relayed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a\r\nhello\r\n0\r\nT: a\r\n\r\n", "excess");
}

TEST(relay_until_eof) {
  for (int together = 0; together < 2; together++) {
    rig_open(&rig, NULL, 0);
    int client, backend;
    begin(&client, &backend);
    socket_send_text(backend, "HTTP/1.0 200 OK\r\n\r\nhello");
    if (!together) socket_expect_text(client, "HTTP/1.0 200 OK\r\n\r\nhello");
    socket_send_text(backend, " world");
    close(backend);
    socket_expect_text(client, together ? "HTTP/1.0 200 OK\r\n\r\nhello world" : " world");
    socket_expect_eof(client);
    close(client);
    rig_expect_log(&rig, "\"closeReason\":\"relayed\"");
    rig_close(&rig);
  }
}

static void expect_truncated(const char *answer, const char *passed_on, bool reset) {
  rig_open(&rig, NULL, 0);
  int client, backend;
  begin(&client, &backend);
  socket_send_text(backend, answer);
  if (reset) {
    socket_expect_text(client, passed_on);
    socket_reset(backend);
  } else {
    close(backend);
    socket_expect_text(client, passed_on);
  }
  socket_expect_eof(client);
  close(client);
  rig_expect_log(&rig, "\"closeReason\":\"relay-truncated\"");
  rig_close(&rig);
}

TEST(relay_truncated) {
  const char *length = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello";
  const char *chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n";
  for (int reset = 0; reset < 2; reset++) {
    expect_truncated(length, length, reset);
    expect_truncated(chunked, chunked, reset);
  }
  expect_truncated("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense",
                   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nn", false);
}

/* Without framing only a reset tells the client that its answer was cut. */
TEST(relay_until_eof_cut_by_a_reset) {
  rig_open(&rig, NULL, 0);
  int client, backend;
  begin(&client, &backend);
  socket_send_text(backend, "HTTP/1.0 200 OK\r\n\r\nhello");
  socket_expect_text(client, "HTTP/1.0 200 OK\r\n\r\nhello");
  socket_reset(backend);
  rig_expect_log(&rig, "\"closeReason\":\"relay-truncated\"");
  CHECK_EQ(recv(client, out, sizeof out, 0), -1);
  CHECK_EQ(errno, ECONNRESET);
  close(client);
  rig_close(&rig);
}

/* Whatever ends it: here the end of a drain. */
TEST(relay_until_eof_cut_by_us) {
  rig_open(&rig, NULL, 0);
  int client, backend;
  begin(&client, &backend);
  socket_send_text(backend, "HTTP/1.0 200 OK\r\n\r\nhello");
  socket_expect_text(client, "HTTP/1.0 200 OK\r\n\r\nhello");
  engine_close_all(rig.engine, REASON_DRAIN_TIMEOUT);
  rig_expect_log(&rig, "\"closeReason\":\"drain-timeout\"");
  CHECK_EQ(recv(client, out, sizeof out, 0), -1);
  CHECK_EQ(errno, ECONNRESET);
  close(client);
  close(backend);
  rig_close(&rig);
}

TEST(relay_large_answer_to_a_slow_reader) {
  rig_open(&rig, NULL, 4096);
  int client, backend;
  begin(&client, &backend);
  char head[100];
  snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", sizeof body);
  socket_send_text(backend, head);
  for (size_t i = 0; i < sizeof body; i++) body[i] = (char)(i * 7);
  size_t sent = 0;
  for (int still = 0; still < 30; still++) { /* nobody reads: what is kept stays bounded */
    ssize_t count = write(backend, body + sent, sizeof body - sent);
    if (count > 0) still = 0;
    if (count > 0) sent += (size_t)count;
    embedder_step(&rig.embedder, 1);
    CHECK(rig_stats(&rig).pending_bytes <= SCRATCH_BYTES);
  }
  socket_expect_text(client, head);
  size_t got = 0;
  while (got < sizeof body) {
    if (sent < sizeof body) {
      ssize_t count = write(backend, body + sent, sizeof body - sent);
      if (count > 0) sent += (size_t)count;
    }
    ssize_t count = read(client, out, sizeof out);
    if (count > 0) {
      CHECK(memcmp(out, body + got, (size_t)count) == 0);
      got += (size_t)count;
    }
    CHECK(count != 0);
    harness_idle();
  }
  socket_expect_eof(client);
  close(client);
  close(backend);
  rig_expect_log(&rig, "\"closeReason\":\"relayed\"");
  rig_close(&rig);
}

TEST(relay_ends_when_the_client_resets) {
  rig_open(&rig, NULL, 0);
  int client, backend;
  begin(&client, &backend);
  socket_send_text(backend, "HTTP/1.1 200 OK\r\n\r\nhello");
  socket_expect_text(client, "HTTP/1.1 200 OK\r\n\r\nhello");
  socket_reset(client);
  socket_expect_eof(backend);
  close(backend);
  rig_expect_log(&rig, "\"closeReason\":\"client-reset\"");
  rig_close(&rig);
}

TEST(relay_goes_on_for_a_client_that_stopped_sending) {
  rig_open(&rig, NULL, 0);
  int client, backend;
  begin(&client, &backend);
  socket_send_text(backend, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  socket_expect_text(client, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  socket_shut(client);
  for (int i = 0; i < 3; i++) embedder_step(&rig.embedder, 1);
  socket_send_text(backend, "world");
  socket_expect_text(client, "world");
  socket_expect_eof(client);
  close(client);
  close(backend);
  rig_expect_log(&rig, "\"closeReason\":\"relayed\"");
  rig_close(&rig);
}

TEST(relay_idle_timeout) {
  rig_open(&rig, NULL, 0);
  rig.embedder.idle_timeout_ms = 80;
  int client, backend;
  begin(&client, &backend);
  socket_send_text(backend, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  socket_expect_eof(backend);
  close(client);
  close(backend);
  rig_expect_log(&rig, "\"closeReason\":\"idle-timeout\"");
  rig_close(&rig);
}
