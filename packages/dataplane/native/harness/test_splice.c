/* The splice: every byte arrives, in order, counted; half-close behind data; limits; fairness. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

static struct rig rig;

static void expect_bytes(long long up, long long down) {
  EVENTUALLY(rig_log_lines(&rig) == 1);
  CHECK_EQ(rig_log_number(&rig, "requestBodyBytes"), up);
  CHECK_EQ(rig_log_number(&rig, "responseBodyBytes"), down);
}

TEST(splice_random_sizes_both_ways) {
  struct prng prng = prng_new(harness_seed(42));
  for (int round = 0; round < 12; round++) {
    rig_open(&rig, NULL, round % 3 == 0 ? 4096 : 0);
    int client, backend;
    rig_splice(&rig, &client, &backend);
    struct exchange exchange = {.seed = prng_next(&prng),
                                .bytes_ab = prng_range(&prng, 0, round % 2 ? 3000000 : 3000),
                                .bytes_ba = prng_range(&prng, 0, round % 4 ? 300000 : 3000000),
                                .piece_max = round % 3 == 1 ? 700 : 65536,
                                .finish = true};
    socket_exchange(client, backend, &exchange);
    close(client);
    close(backend);
    expect_bytes((long long)exchange.bytes_ab, (long long)exchange.bytes_ba);
    struct engine_stats stats = rig_stats(&rig);
    CHECK_EQ(stats.bytes_up, exchange.bytes_ab);
    CHECK_EQ(stats.bytes_down, exchange.bytes_ba);
    rig_close(&rig);
  }
}

TEST(splice_in_a_thread) {
  rig_open(&rig, NULL, 0);
  rig_threaded(&rig);
  int clients[8], backends[8];
  for (int i = 0; i < 8; i++) rig_splice(&rig, &clients[i], &backends[i]);
  for (int i = 0; i < 8; i++) {
    struct exchange exchange = {
        .seed = (uint64_t)i, .bytes_ab = 200000, .bytes_ba = 100000, .piece_max = 9000, .finish = i % 2};
    socket_exchange(clients[i], backends[i], &exchange);
    close(clients[i]);
    close(backends[i]);
  }
  rig_close(&rig);
}

/* Data and FIN are in the socket before the engine looks. */
TEST(splice_data_and_fin_together) {
  for (int up = 0; up < 2; up++) {
    for (size_t bytes = 1; bytes <= 262144; bytes *= 8) {
      rig_open(&rig, NULL, 0);
      int client, backend;
      rig_splice(&rig, &client, &backend);
      int from = up ? client : backend, to = up ? backend : client;
      static char data[262144];
      memset(data, 'd', sizeof data);
      harness_on_idle(NULL, NULL);
      socket_send(from, data, bytes);
      socket_shut(from);
      socket_send_text(to, "back"); /* the other direction is not disturbed */
      rig.embedder.rounds_max = 1;
      for (int i = 0; i < 20; i++) embedder_step(&rig.embedder, 1);
      socket_expect(to, data, bytes);
      socket_expect_eof(to);
      socket_expect_text(from, "back");
      socket_send_text(to, "after"); /* half-closed, not closed */
      embedder_step(&rig.embedder, 100);
      socket_expect_text(from, "after");
      close(to);
      embedder_step(&rig.embedder, 100);
      socket_expect_eof(from);
      close(from);
      rig_expect_log(&rig, up ? "\"closeReason\":\"client-closed\"" : "\"closeReason\":\"backend-closed\"");
      rig_close(&rig);
    }
  }
}

TEST(splice_resumes_after_back_pressure_without_input) {
  rig_open(&rig, NULL, 4096);
  int client, backend;
  rig_splice(&rig, &client, &backend);
  static char data[400000];
  memset(data, 'd', sizeof data);
  size_t sent = 0;
  for (int still = 0; still < 50 && sent < sizeof data;) { /* until nothing fits anywhere */
    ssize_t count = write(backend, data + sent, sizeof data - sent);
    still = count > 0 ? 0 : still + 1;
    sent += count > 0 ? (size_t)count : 0;
    embedder_step(&rig.embedder, 1);
  }
  CHECK(sent < sizeof data && rig_stats(&rig).pending_bytes > 0);
  CHECK(rig_stats(&rig).pending_bytes <= SCRATCH_BYTES);
  socket_expect(client, data, sent); /* the backend says nothing more */
  CHECK_EQ(rig_stats(&rig).pending_bytes, 0);
  close(client);
  close(backend);
  rig_close(&rig);
}

/* No memory for slow readers: bytes wait in the kernel and none is lost. */
TEST(splice_without_pending_memory) {
  struct engine_options options = embedder_options();
  options.pending_bytes_max = 1000;
  rig_open(&rig, &options, 4096);
  int client, backend;
  rig_splice(&rig, &client, &backend);
  struct exchange exchange = {
      .seed = harness_seed(3), .bytes_ab = 3000000, .bytes_ba = 3000000, .piece_max = 65536, .finish = true};
  socket_exchange(client, backend, &exchange);
  close(client);
  close(backend);
  expect_bytes(3000000, 3000000);
  rig_close(&rig);
}

TEST(splice_many_slow_readers_share_the_memory) {
  enum { PAIRS = 20 };
  struct engine_options options = embedder_options();
  options.pending_bytes_max = 4 * SCRATCH_BYTES;
  rig_open(&rig, &options, 4096);
  int clients[PAIRS], backends[PAIRS];
  static char data[1000000];
  size_t sent[PAIRS] = {0};
  for (int i = 0; i < PAIRS; i++) rig_splice(&rig, &clients[i], &backends[i]);
  for (int still = 0; still < 20; still++) {
    for (int i = 0; i < PAIRS; i++) {
      ssize_t count = write(backends[i], data + sent[i], sizeof data - sent[i]);
      if (count > 0) still = 0;
      if (count > 0) sent[i] += (size_t)count;
    }
    embedder_step(&rig.embedder, 1);
    CHECK(rig_stats(&rig).pending_bytes <= options.pending_bytes_max);
  }
  for (int i = 0; i < PAIRS; i++) {
    socket_expect(clients[i], data, sent[i]);
    close(clients[i]);
    close(backends[i]);
  }
  rig_close(&rig);
}

/* One connection never stops; the quiet one gets its answer within a few turns. */
TEST(splice_flood_beside_a_quiet_connection) {
  rig_open(&rig, NULL, 0);
  int flood, sink, quiet, answer;
  rig_splice(&rig, &flood, &sink);
  rig_splice(&rig, &quiet, &answer);
  static char data[1 << 20], out[1 << 20];
  rig.embedder.rounds_max = 1;
  harness_on_idle(NULL, NULL);
  for (int round = 0; round < 50; round++) {
    while (write(flood, data, sizeof data) > 0) continue;
    socket_send_text(quiet, "ping");
    uint64_t before = rig_stats(&rig).bytes_up;
    int turns = 0;
    for (; socket_available(answer) == 0; turns++) {
      CHECK(turns < 3);
      embedder_step(&rig.embedder, 100);
    }
    CHECK(rig_stats(&rig).bytes_up - before <= (uint64_t)turns * 2 * PUMP_BUDGET * SCRATCH_BYTES + 4);
    socket_expect_text(answer, "ping");
    while (read(sink, out, sizeof out) > 0) continue;
  }
  int all[] = {flood, sink, quiet, answer};
  for (int i = 0; i < 4; i++) close(all[i]);
  while (rig_stats(&rig).active > 0) embedder_step(&rig.embedder, 100);
  rig_close(&rig);
}

TEST(splice_idle_timeout) {
  rig_open(&rig, NULL, 0);
  rig.embedder.idle_timeout_ms = 400;
  int client, backend;
  rig_splice(&rig, &client, &backend);
  uint64_t start = harness_now_ms(), last = start; /* before the last byte: a thread that is held up behind it counts nothing */
  while (last < start + 600) { /* traffic in one direction keeps it open */
    last = harness_now_ms();
    socket_send_text(client, "x");
    socket_expect_text(backend, "x");
  }
  CHECK_EQ(rig_stats(&rig).active, 1);
  socket_expect_eof(client);
  socket_expect_eof(backend);
  CHECK(harness_now_ms() - last >= 380);
  close(client);
  close(backend);
  rig_expect_log(&rig, "\"closeReason\":\"idle-timeout\"");
  CHECK(rig_log_number(&rig, "clientSilentMs") >= 380);
  CHECK(rig_log_number(&rig, "backendSilentMs") >= 980);
  rig_close(&rig);
}

TEST(splice_half_close_timeout) {
  struct engine_options options = embedder_options();
  options.half_close_timeout_ms = 100;
  rig_open(&rig, &options, 0);
  int client, backend;
  rig_splice(&rig, &client, &backend);
  socket_shut(client);
  socket_expect_eof(backend);
  socket_send_text(backend, "still");
  socket_expect_text(client, "still");
  socket_expect_eof(client);
  close(client);
  close(backend);
  rig_expect_log(&rig, "\"closeReason\":\"half-close-timeout\"");
  CHECK(rig_log_number(&rig, "clientSilentMs") >= 90);
  rig_close(&rig);
}

TEST(splice_lifetime) {
  rig_open(&rig, NULL, 0);
  rig.embedder.lifetime_ms = 150;
  rig.embedder.idle_timeout_ms = 5000;
  int client, backend;
  rig_splice(&rig, &client, &backend);
  while (read(backend, &(char){0}, 1) != 0) { /* busy to the end */
    if (write(client, "x", 1) < 0 && errno == EPIPE) break;
    harness_idle();
  }
  close(client);
  close(backend);
  rig_expect_log(&rig, "\"closeReason\":\"lifetime\"");
  CHECK(strstr(rig.log, "SilentMs") == NULL);
  rig_close(&rig);
}
