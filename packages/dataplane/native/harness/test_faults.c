/* Peers that reset or vanish while bytes are on their way: the other side gets what was sent, then EOF. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rig.h"

static struct rig rig;
static char data[3 << 20], out[4 << 20];

/* One side sends and resets before the engine looks; the other has sent something, too. */
static void reset_behind_data(bool backend_resets, size_t crossing) {
  rig_open(&rig, NULL, 0);
  int client, backend;
  rig_splice(&rig, &client, &backend);
  int from = backend_resets ? backend : client, to = backend_resets ? client : backend;
  harness_on_idle(NULL, NULL);
  memset(data, 'c', crossing);
  socket_send(to, data, crossing);
  socket_send_text(from, "last words");
  socket_reset(from);
  for (int i = 0; i < 20; i++) embedder_step(&rig.embedder, 1);
  socket_expect_text(to, "last words");
  socket_expect_eof(to);
  close(to);
  while (rig_stats(&rig).active > 0) embedder_step(&rig.embedder, 100);
  rig_expect_log(&rig, backend_resets ? "\"closeReason\":\"backend-reset\"" : "\"closeReason\":\"client-reset\"");
  CHECK_EQ(rig_log_number(&rig, backend_resets ? "responseBodyBytes" : "requestBodyBytes"), 10);
  rig_close(&rig);
}

TEST(faults_backend_resets_behind_data) { reset_behind_data(true, 0); }
TEST(faults_client_resets_behind_data) { reset_behind_data(false, 0); }
TEST(faults_backend_resets_behind_data_while_the_client_sends) { reset_behind_data(true, 100); }
TEST(faults_client_resets_behind_data_while_the_backend_sends) { reset_behind_data(false, 100); }

/* A side that says its last words and closes without reading what comes: its kernel answers that with a reset. */
static void close_behind_data(bool backend_closes) {
  rig_open(&rig, NULL, 0);
  int client, backend;
  rig_splice(&rig, &client, &backend);
  int from = backend_closes ? backend : client, to = backend_closes ? client : backend;
  harness_on_idle(NULL, NULL);
  socket_send(to, data, 300000);
  socket_send_text(from, "last words");
  close(from);
  for (int i = 0; i < 20; i++) embedder_step(&rig.embedder, 1);
  socket_expect_text(to, "last words");
  socket_expect_eof(to);
  close(to);
  while (rig_stats(&rig).active > 0) embedder_step(&rig.embedder, 100);
  rig_close(&rig);
}

TEST(faults_backend_closes_while_the_client_sends) { close_behind_data(true); }
TEST(faults_client_closes_while_the_backend_sends) { close_behind_data(false); }

/* An orderly end whose last act is a reset, because bytes came after it, is still an orderly end. */
TEST(faults_bytes_behind_an_orderly_close) {
  rig_open(&rig, NULL, 0);
  int client, backend;
  rig_splice(&rig, &client, &backend);
  close(backend);
  socket_expect_eof(client);
  for (int i = 0; i < 20 && rig_stats(&rig).active > 0; i++) {
    if (send(client, "late", 4, MSG_NOSIGNAL) < 0) break;
    embedder_step(&rig.embedder, 10);
  }
  close(client);
  rig_expect_log(&rig, "\"closeReason\":\"backend-closed\"");
  rig_close(&rig);
}

/* The same with a reader that is slow: what the engine holds and what its kernel holds still arrives. */
TEST(faults_reset_with_a_slow_reader) {
  for (int crossing = 0; crossing < 2; crossing++) {
    rig_open(&rig, NULL, 0);
    int client, backend;
    rig_splice(&rig, &client, &backend);
    size_t sent = 0, got = 0;
    memset(data, 's', sizeof data);
    for (int still = 0; still < 30 && sent < sizeof data; still++) {
      ssize_t count = write(backend, data + sent, sizeof data - sent);
      if (count > 0) still = 0;
      if (count > 0) sent += (size_t)count;
      embedder_step(&rig.embedder, 1);
    }
    for (int i = 0; i < 20; i++) embedder_step(&rig.embedder, 1);
    socket_reset(backend);
    for (int i = 0; i < 5; i++) embedder_step(&rig.embedder, 1);
    if (crossing) socket_send_text(client, "more");
    CHECK_EQ(socket_drain(client, out, sizeof out, &got), 0);
    /* A reset throws away what the resetting kernel has not sent, not what ours has received. */
    if (got < sent) CHECK(sent - got <= (size_t)6 << 20);
    CHECK(got > 0 && memcmp(out, data, got < sizeof data ? got : sizeof data) == 0);
    close(client);
    rig_expect_log(&rig, "\"closeReason\":\"backend-reset\"");
    CHECK_EQ(rig_log_number(&rig, "responseBodyBytes"), got);
    rig_close(&rig);
  }
}

/* Bytes that were kept for a client that resets were never passed on, and are not in the record. */
TEST(faults_kept_bytes_of_a_reset_are_not_counted) {
  rig_open(&rig, NULL, 4096);
  int client, backend;
  rig_splice(&rig, &client, &backend);
  for (int still = 0; still < 30; still++) {
    if (write(backend, data, 65536) > 0) still = 0;
    embedder_step(&rig.embedder, 1);
  }
  uint64_t kept = rig_stats(&rig).pending_bytes, down = rig_stats(&rig).bytes_down;
  CHECK(kept > 0);
  socket_reset(client);
  EVENTUALLY(rig_stats(&rig).active == 0 || socket_available(backend) == 0);
  size_t length = 0;
  socket_drain(backend, out, sizeof out, &length);
  close(backend);
  rig_expect_log(&rig, "\"closeReason\":\"client-reset\"");
  CHECK_EQ(rig_log_number(&rig, "responseBodyBytes"), down - kept);
  rig_close(&rig);
}

TEST(faults_client_resets_in_front_of_the_switch) {
  rig_open(&rig, NULL, 0);
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD "early");
  int backend = rig_backend(&rig);
  socket_expect_text(backend, REQUEST_HEAD);
  harness_on_idle(NULL, NULL);
  socket_send_text(backend, SWITCH_HEAD "hello");
  socket_reset(client);
  for (int i = 0; i < 10; i++) embedder_step(&rig.embedder, 1);
  size_t length = 0;
  socket_drain(backend, out, sizeof out, &length);
  close(backend);
  while (rig_stats(&rig).active > 0) embedder_step(&rig.embedder, 100);
  CHECK_EQ(rig_log_lines(&rig), 1);
  rig_close(&rig);
}

TEST(faults_backend_resets_behind_a_long_answer_to_early_bytes) {
  rig_open(&rig, NULL, 0);
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD "early");
  int backend = rig_backend(&rig);
  socket_expect_text(backend, REQUEST_HEAD);
  harness_on_idle(NULL, NULL);
  socket_send_text(backend, SWITCH_HEAD);
  socket_send(backend, data, 60000); /* more than is read with the head */
  socket_reset(backend);
  for (int i = 0; i < 10; i++) embedder_step(&rig.embedder, 1);
  socket_expect_text(client, SWITCH_HEAD);
  socket_expect(client, data, 60000);
  socket_expect_eof(client);
  close(client);
  while (rig_stats(&rig).active > 0) embedder_step(&rig.embedder, 100);
  rig_expect_log(&rig, "\"closeReason\":\"backend-reset\"");
  rig_close(&rig);
}

TEST(faults_close_all_ends_every_state) {
  rig_open(&rig, NULL, 0);
  int clients[4], backends[2];
  clients[0] = rig_client(&rig); /* nothing sent */
  rig_splice(&rig, &clients[1], &backends[0]);
  clients[2] = rig_client(&rig);
  socket_send_text(clients[2], REQUEST_HEAD); /* the backend does not answer */
  backends[1] = rig_backend(&rig);
  clients[3] = rig_client(&rig);
  socket_send_text(clients[3], "GET");
  EVENTUALLY(rig_stats(&rig).opened == 4);
  engine_close_all(rig.engine, REASON_DRAIN_TIMEOUT);
  EVENTUALLY(rig_stats(&rig).active == 0);
  EVENTUALLY(rig_log_lines(&rig) == 4);
  size_t found = 0;
  for (const char *at = rig.log; (at = strstr(at, "\"drain-timeout\"")) != NULL; at++) found++;
  CHECK_EQ(found, 4);
  for (int i = 0; i < 4; i++) close(clients[i]);
  for (int i = 0; i < 2; i++) close(backends[i]);
  rig_close(&rig);
}

/* More records than the access log holds at once: closing waits for the reader, and none is dropped. */
TEST(faults_close_all_waits_for_the_log) {
  enum { COUNT = 250 };
  struct engine_options options = embedder_options();
  options.log_ring_bytes = 2 * LOG_RECORD_MAX;
  rig_open(&rig, &options, 0);
  int clients[COUNT];
  for (int i = 0; i < COUNT; i++) clients[i] = rig_client(&rig);
  EVENTUALLY(rig_stats(&rig).opened == COUNT);
  engine_close_all(rig.engine, REASON_DRAIN_TIMEOUT);
  for (int i = 0; i < 5; i++) embedder_step(&rig.embedder, 1);
  CHECK(rig_stats(&rig).active > 0); /* nobody has read yet */
  EVENTUALLY(rig_log_lines(&rig) == COUNT);
  CHECK_EQ(rig_stats(&rig).log_drops, 0);
  for (int i = 0; i < COUNT; i++) close(clients[i]);
  rig_close(&rig);
}
