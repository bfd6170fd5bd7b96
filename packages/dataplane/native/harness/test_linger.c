/* The last of a connection: an answer is read whole by a client that is still sending; limits of time and bytes. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

static struct rig rig;
static char data[1 << 20], out[1 << 20];

/* The embedder refuses every request. */
static void refuse(struct embedder *embedder, const struct event *event) {
  if (event->kind != EVENT_REQUEST) return;
  static char answer[100000];
  size_t head = strlen("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n");
  memset(answer, 'r', sizeof answer);
  memcpy(answer, "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n", head);
  CHECK(engine_respond(embedder->engine, event->id, answer, sizeof answer, "\"by\":\"refuse\"", 13, 0));
}

TEST(linger_answer_is_read_while_the_client_sends) {
  rig_open(&rig, NULL, 0);
  rig.embedder.decide = refuse;
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD);
  size_t sent = 0, length = 0;
  while (sent < sizeof data) { /* a client that reads only when it has said everything, or cannot any more */
    ssize_t count = write(client, data + sent, sizeof data - sent);
    if (count < 0 && errno != EAGAIN) break;
    if (count > 0) sent += (size_t)count;
    harness_idle();
  }
  socket_drain(client, out, sizeof out, &length);
  CHECK_EQ(length, 100000);
  CHECK(memcmp(out, "HTTP/1.1 403", 12) == 0 && out[99999] == 'r');
  close(client);
  rig_expect_log(&rig, "\"by\":\"refuse\"");
  rig_expect_log(&rig, "\"closeReason\":\"refused\"");
  CHECK_EQ(rig_log_number(&rig, "responseBodyBytes"), 100000 - 45);
  rig_close(&rig);
}

TEST(linger_ends_when_the_client_closes) {
  struct engine_options options = embedder_options();
  options.linger_timeout_ms = 100000;
  rig_open(&rig, &options, 0);
  rig.embedder.decide = refuse;
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD "a few bytes more");
  size_t length = 0;
  CHECK_EQ(socket_drain(client, out, sizeof out, &length), 0);
  CHECK_EQ(rig_stats(&rig).active, 1);
  close(client);
  rig_close(&rig);
}

TEST(linger_ends_after_its_time) {
  struct engine_options options = embedder_options();
  options.linger_timeout_ms = 60;
  rig_open(&rig, &options, 0);
  rig.embedder.decide = refuse;
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD);
  EVENTUALLY(rig_stats(&rig).active == 0 && rig_stats(&rig).opened == 1); /* the client does not close */
  close(client);
  rig_close(&rig);
}

TEST(linger_ends_after_its_bytes) {
  struct engine_options options = embedder_options();
  options.linger_timeout_ms = 100000;
  rig_open(&rig, &options, 0);
  rig.embedder.decide = refuse;
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD);
  EVENTUALLY(rig_stats(&rig).opened == 1);
  size_t sent = 0;
  while (rig_stats(&rig).active > 0) {
    ssize_t count = write(client, data, 1000);
    if (count > 0) sent += (size_t)count;
    harness_idle();
  }
  CHECK(sent >= LINGER_BYTES_MAX && sent < 4 * LINGER_BYTES_MAX);
  close(client);
  rig_close(&rig);
}

TEST(linger_gives_a_slow_reader_its_time_and_no_more) {
  struct engine_options options = embedder_options();
  options.half_close_timeout_ms = 150;
  rig_open(&rig, &options, 4096);
  rig.embedder.decide = refuse;
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD);
  EVENTUALLY(rig_stats(&rig).pending_bytes > 0);
  EVENTUALLY(rig_stats(&rig).active == 0); /* it reads nothing at all */
  close(client);
  rig_expect_log(&rig, "\"closeReason\":\"refused\"");
  rig_close(&rig);
}

TEST(linger_answer_of_any_size_to_a_slow_reader) {
  rig_open(&rig, NULL, 4096);
  rig.embedder.decide = refuse;
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD);
  EVENTUALLY(rig_stats(&rig).pending_bytes > 0);
  size_t length = 0;
  CHECK_EQ(socket_drain(client, out, sizeof out, &length), 0);
  CHECK_EQ(length, 100000);
  close(client);
  rig_close(&rig);
}

TEST(linger_reset_while_it_sends) {
  rig_open(&rig, NULL, 4096);
  rig.embedder.decide = refuse;
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD);
  EVENTUALLY(rig_stats(&rig).pending_bytes > 0);
  socket_reset(client);
  rig_close(&rig);
}
