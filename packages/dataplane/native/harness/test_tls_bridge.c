/* Bridged clients: every byte, in order, counted by nobody; back-pressure and half-closes; limits of nobody. */
#include <string.h>
#include <unistd.h>

#include "tls_bridge.h"

static char data[1 << 20];

static void run(const struct engine_options *options, int buffer_bytes, size_t bytes, size_t piece_max, bool threaded) {
  struct prng prng = prng_new(harness_seed(9));
  int fd;
  bridge_open_rig(options, buffer_bytes);
  if (threaded) rig_threaded(&bridged.rig);
  SSL *client = bridge_client(&fd);
  tls_peer_exchange(client, fd, &prng, bytes, piece_max);
  CHECK_EQ(rig_stats(&bridged.rig).bytes_up + rig_stats(&bridged.rig).bytes_down, 0);
  close(fd);
  tls_peer_expect_end(client);
  tls_peer_free(client);
  EVENTUALLY(bridged.told == 1);
  bridge_expect_told(1);
  bridge_close_rig();
}

TEST(bridge_both_ways) {
  run(NULL, 0, 3000000, 65536, false);
  run(NULL, 4096, 300000, 65536, false);
  run(NULL, 0, 20000, 3, false);
}

TEST(bridge_in_a_thread) { run(NULL, 0, 1000000, 20000, true); }

TEST(bridge_without_pending_memory) {
  struct engine_options options = embedder_options();
  options.pending_bytes_max = 1000;
  run(&options, 4096, 300000, 65536, false);
}

/* A reader that stands still stops the other side, in either direction, and the engine keeps a buffer at most. */
TEST(bridge_passes_back_pressure_on) {
  int fd;
  bridge_open_rig(NULL, 4096);
  SSL *client = bridge_client(&fd);
  size_t down = 0, up = 0;
  for (int still = 0; still < 50;) {
    ssize_t count = down < sizeof data ? write(fd, data + down, sizeof data - down) : 0;
    size_t taken = up < sizeof data ? tls_peer_write(client, data + up, sizeof data - up < 4096 ? sizeof data - up : 4096) : 0;
    still = count > 0 || taken > 0 ? 0 : still + 1;
    down += count > 0 ? (size_t)count : 0;
    up += taken;
    embedder_step(&bridged.rig.embedder, 1);
    CHECK(rig_stats(&bridged.rig).pending_bytes <= 2 * SCRATCH_BYTES + 4096);
  }
  CHECK(down > 0 && down < sizeof data && up > 0 && up < sizeof data);
  size_t got = 0;
  for (; got < up;) {
    ssize_t count = 0;
    EVENTUALLY((count = read(fd, data, sizeof data)) > 0);
    got += (size_t)count;
  }
  tls_peer_read_all(client, data, down);
  close(fd);
  tls_peer_expect_end(client);
  tls_peer_free(client);
  bridge_close_rig();
}

TEST(bridge_passes_a_half_close_on) {
  char text[16];
  int fd;
  struct engine_options options = embedder_options();
  options.half_close_timeout_ms = 30; /* no limit of ours runs */
  bridge_open_rig(&options, 0);
  SSL *client = bridge_client(&fd);
  CHECK_EQ(tls_peer_write(client, "last", 4), 4);
  SSL_shutdown(client);
  socket_expect_text(fd, "last");
  socket_expect_eof(fd);
  uint64_t until = harness_now_ms() + 150;
  EVENTUALLY(harness_now_ms() > until);
  socket_send_text(fd, "answer");
  tls_peer_read_all(client, text, 6);
  CHECK(memcmp(text, "answer", 6) == 0);
  CHECK_EQ(embedder_count(&bridged.rig.embedder, EVENT_ENDED), 0);
  close(fd);
  tls_peer_expect_end(client);
  tls_peer_free(client);
  EVENTUALLY(bridged.told == 1);
  CHECK_EQ(embedder_last(&bridged.rig.embedder, EVENT_ENDED).d, REASON_CLIENT_CLOSED);
  bridge_close_rig();
}
