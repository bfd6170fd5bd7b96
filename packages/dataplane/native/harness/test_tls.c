/* TLS clients over the whole core: every byte, in order, also with no memory for slow readers; ends; a worker's death. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tls_peer.h"

#define FLOOD 2000 /* what a socket takes that nobody reads from */

static struct rig rig;

static void end(SSL *client, int backend, size_t bytes) {
  char byte;
  bool ended = false;
  SSL_shutdown(client);
  socket_expect_eof(backend);
  close(backend);
  EVENTUALLY(tls_peer_read(client, &byte, 1, &ended) == 0 && ended);
  tls_peer_free(client);
  rig_expect_log(&rig, "\"closeReason\":\"client-closed\"");
  CHECK_EQ(rig_log_number(&rig, "requestBodyBytes"), (long long)bytes);
  CHECK_EQ(rig_log_number(&rig, "responseBodyBytes"), (long long)bytes);
}

static void run(const struct engine_options *options, int buffer_bytes, size_t bytes, size_t piece_max, bool threaded) {
  struct prng prng = prng_new(harness_seed(7));
  SSL *client;
  int backend;
  rig_open(&rig, options, buffer_bytes);
  tls_peer_listen(&rig);
  if (threaded) rig_threaded(&rig);
  tls_peer_splice(&rig, &client, &backend);
  tls_peer_exchange(client, backend, &prng, bytes, piece_max);
  end(client, backend, bytes);
  tls_peer_forget(&rig);
  rig_close(&rig);
}

TEST(tls_splice_both_ways) {
  run(NULL, 0, 3000000, 65536, false);
  run(NULL, 4096, 300000, 65536, false);
  run(NULL, 0, 20000, 3, false);
}

TEST(tls_splice_in_a_thread) { run(NULL, 0, 1000000, 20000, true); }

TEST(tls_splice_without_pending_memory) {
  struct engine_options options = embedder_options();
  options.pending_bytes_max = 1000;
  run(&options, 4096, 300000, 65536, false);
}

/* One connection at most has what it may keep: a record or a buffer, whatever is written to it. */
TEST(tls_slow_reader_is_bounded) {
  static char data[1 << 20];
  SSL *client;
  int backend;
  rig_open(&rig, NULL, 4096);
  tls_peer_listen(&rig);
  tls_peer_splice(&rig, &client, &backend);
  size_t sent = 0, got = 0;
  for (int still = 0; still < 50 && sent < sizeof data;) {
    ssize_t count = write(backend, data + sent, sizeof data - sent);
    still = count > 0 ? 0 : still + 1;
    sent += count > 0 ? (size_t)count : 0;
    embedder_step(&rig.embedder, 1);
    CHECK(rig_stats(&rig).pending_bytes <= SCRATCH_BYTES + 1024);
  }
  CHECK(sent < sizeof data && rig_stats(&rig).pending_bytes > 0);
  bool ended = false;
  EVENTUALLY((got += tls_peer_read(client, data, sizeof data, &ended)) == sent);
  CHECK_EQ(rig_stats(&rig).pending_bytes, 0);
  tls_peer_free(client);
  close(backend);
  rig_expect_log(&rig, "\"closeReason\":\"client-truncated\"");
  tls_peer_forget(&rig);
  rig_close(&rig);
}

/* New keys without end, in records of a few bytes: OpenSSL reads on as long as they come. */
static void flood(SSL *client, const char *behind) {
  for (int i = 0; i < FLOOD; i++) {
    CHECK(SSL_key_update(client, SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
    CHECK(SSL_do_handshake(client) == 1);
  }
  CHECK_EQ(tls_peer_write(client, behind, strlen(behind)), strlen(behind));
}

/* What stands behind a flood takes more than one turn to come to: whoever else is there had one meanwhile. */
TEST(tls_flood_of_records_is_bounded_in_a_turn) {
  char in[256];
  bool ended = false;
  rig_open(&rig, NULL, 0);
  tls_peer_listen(&rig);
  SSL *client = tls_peer_client(&rig);
  flood(client, REQUEST_HEAD);
  embedder_step(&rig.embedder, 1000);
  CHECK_EQ(rig.embedder.count, 0);
  int backend = rig_backend(&rig);
  socket_read_head(backend, in, sizeof in);
  socket_send_text(backend, SWITCH_HEAD);
  EVENTUALLY(tls_peer_read(client, in, sizeof in, &ended) > 0);
  flood(client, "!");
  embedder_step(&rig.embedder, 1000);
  CHECK(read(backend, in, 1) < 0 && errno == EAGAIN);
  EVENTUALLY(read(backend, in, 1) == 1);
  CHECK_EQ(in[0], '!');
  SSL_shutdown(client);
  socket_expect_eof(backend);
  close(backend);
  tls_peer_free(client);
  EVENTUALLY(rig_stats(&rig).active == 0);
  tls_peer_forget(&rig);
  rig_close(&rig);
}

/* The worker dies between two handshakes: the stream goes on under the next, the other handshake too. */
TEST(tls_outlives_a_worker) {
  SSL *client, *later;
  int backend;
  struct prng prng = prng_new(1);
  rig_open(&rig, NULL, 0);
  tls_peer_listen(&rig);
  tls_peer_splice(&rig, &client, &backend);
  int waiting = rig_client(&rig); /* says nothing before the death */
  EVENTUALLY(rig_stats(&rig).active == 2);
  engine_detach(rig.engine);
  CHECK(engine_attach(rig.engine, true));
  engine_ready(rig.engine);
  tls_peer_exchange(client, backend, &prng, 100000, 20000);
  later = tls_peer_client(&rig);
  tls_peer_free(later);
  close(waiting);
  tls_peer_free(client);
  close(backend);
  EVENTUALLY(rig_stats(&rig).active == 0);
  tls_peer_forget(&rig);
  rig_close(&rig);
}
