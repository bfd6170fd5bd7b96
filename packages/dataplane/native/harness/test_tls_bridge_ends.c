/* Bridged clients' ends: of either side, whoever is first, told of and counted once. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls_bridge.h"

static char data[1 << 20];

/* What the embedder wrote before it closed arrives whole, with TLS's own end, though it left bytes unread. */
TEST(bridge_ends_behind_the_last_byte) {
  static char got[sizeof data];
  for (int unread = 0; unread < 2; unread++) {
    int fd;
    bridge_open_rig(NULL, 4096);
    SSL *client = bridge_client(&fd);
    struct prng prng = prng_new(3);
    for (size_t i = 0; i < sizeof data; i++) data[i] = (char)prng_next(&prng);
    if (unread) {
      CHECK(tls_peer_write(client, data, 3000) > 0);
      EVENTUALLY(socket_available(fd) > 0);
    }
    ssize_t sent = write(fd, data, sizeof data);
    CHECK(sent > 100000);
    close(fd);
    CHECK(engine_client_closed(bridged.rig.engine, bridged.id, REASON_CLIENT_CLOSED, BYTES_UP, BYTES_DOWN));
    CHECK(!engine_client_closed(bridged.rig.engine, bridged.id, REASON_CLIENT_CLOSED, BYTES_UP, BYTES_DOWN));
    tls_peer_read_all(client, got, (size_t)sent);
    CHECK(memcmp(got, data, (size_t)sent) == 0);
    tls_peer_expect_end(client);
    tls_peer_free(client);
    EVENTUALLY(rig_stats(&bridged.rig).active == 0);
    CHECK_EQ(embedder_count(&bridged.rig.embedder, EVENT_ENDED), 0);
    bridge_expect_told(1);
    bridge_close_rig();
  }
}

/* The client has ended its side, and takes nothing until the socket is full: whatever fits, TLS's own end is not lost. */
TEST(bridge_ends_in_order_with_a_full_socket) {
  bridge_open_rig(NULL, 4096);
  for (uint64_t size = 1000; size < 9000; size += 100) {
    int fd;
    bridged.fd = -1;
    SSL *client = bridge_client(&fd);
    SSL_shutdown(client);
    socket_expect_eof(fd);
    CHECK_EQ(write(fd, data, size), size);
    close(fd);
    CHECK(engine_client_closed(bridged.rig.engine, bridged.id, REASON_CLIENT_CLOSED, 0, 0));
    for (int step = 0; step < 5; step++) embedder_step(&bridged.rig.embedder, 1);
    tls_peer_read_all(client, data, size);
    tls_peer_expect_end(client);
    tls_peer_free(client);
  }
  EVENTUALLY(rig_stats(&bridged.rig).active == 0);
  bridge_close_rig();
}

/* Nobody else's limit runs any more: a client that takes nothing is given up. */
TEST(bridge_that_was_left_is_bounded) {
  int fd;
  struct engine_options options = embedder_options();
  options.half_close_timeout_ms = 60;
  bridge_open_rig(&options, 4096);
  SSL *client = bridge_client(&fd);
  CHECK(write(fd, data, sizeof data) > 0);
  close(fd);
  CHECK(engine_client_closed(bridged.rig.engine, bridged.id, REASON_CLIENT_CLOSED, BYTES_UP, BYTES_DOWN));
  EVENTUALLY(rig_stats(&bridged.rig).active == 0);
  CHECK_EQ(embedder_count(&bridged.rig.embedder, EVENT_ENDED), 0);
  bridge_expect_told(1);
  tls_peer_free(client);
  bridge_close_rig();
}

/* How a client goes, and the reason that the embedder is told. */
static void lose(bool reset, bool stuck, enum reason reason) {
  int fd;
  bridge_open_rig(NULL, 0);
  SSL *client = bridge_client(&fd);
  if (stuck) { /* the engine reads no more of it */
    for (int still = 0; still < 20;) {
      still = tls_peer_write(client, data, 16384) > 0 ? 0 : still + 1;
      embedder_step(&bridged.rig.embedder, 1);
    }
  }
  if (reset) {
    socket_reset(SSL_get_fd(client));
    SSL_free(client);
  } else {
    socket_shut(SSL_get_fd(client));
  }
  EVENTUALLY(bridged.told == 1);
  CHECK_EQ(embedder_last(&bridged.rig.embedder, EVENT_ENDED).d, reason);
  CHECK(!engine_client_closed(bridged.rig.engine, bridged.id, REASON_CLIENT_CLOSED, BYTES_UP, BYTES_DOWN));
  size_t length;
  CHECK_EQ(socket_drain(fd, data, sizeof data, &length), 0);
  CHECK(send(fd, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE);
  close(fd);
  if (!reset) tls_peer_free(client);
  bridge_expect_told(1);
  bridge_close_rig();
}

TEST(bridge_ends_with_a_reset_client) {
  lose(true, false, REASON_CLIENT_RESET);
  lose(true, true, REASON_CLIENT_RESET);
}

TEST(bridge_ends_with_a_stream_that_is_cut) { lose(false, false, REASON_CLIENT_TRUNCATED); }

/* What the client has of an answer must not look whole: neither TLS's end nor FIN. */
TEST(bridge_is_cut) {
  int fd;
  bridge_open_rig(NULL, 0);
  SSL *client = bridge_client(&fd);
  socket_send_text(fd, "half");
  tls_peer_read_all(client, data, 4);
  CHECK(engine_reset_client(bridged.rig.engine, bridged.id));
  CHECK(!engine_reset_client(bridged.rig.engine, bridged.id));
  EVENTUALLY(recv(SSL_get_fd(client), data, 1, 0) < 0 && errno == ECONNRESET);
  EVENTUALLY(bridged.told == 1);
  CHECK_EQ(embedder_last(&bridged.rig.embedder, EVENT_ENDED).d, REASON_RELAY_TRUNCATED);
  socket_expect_eof(fd);
  close(fd);
  tls_peer_free(client);
  bridge_expect_told(1);
  bridge_close_rig();
}

/* The embedder has told before its `ended` event, which the engine has made already, comes. */
TEST(bridge_is_told_of_once) {
  int fd;
  bridge_open_rig(NULL, 0);
  SSL *client = bridge_client(&fd);
  socket_reset(SSL_get_fd(client));
  SSL_free(client);
  uint64_t until = harness_now_ms() + EVENTUALLY_MS;
  while (rig_stats(&bridged.rig).active == 1 && harness_now_ms() < until) engine_turn(bridged.rig.engine); /* no delivery */
  CHECK_EQ(rig_stats(&bridged.rig).active, 0);
  CHECK(engine_client_closed(bridged.rig.engine, bridged.id, REASON_CLIENT_CLOSED, BYTES_UP, BYTES_DOWN));
  engine_rest(bridged.rig.engine);
  EVENTUALLY(embedder_count(&bridged.rig.embedder, EVENT_ENDED) == 1);
  CHECK_EQ(bridged.told, 0);
  bridge_expect_told(1);
  close(fd);
  bridge_close_rig();
}

/* The stream ends, but TLS does not say so. */
static bool is_cut(SSL *client) {
  char byte;
  int status = SSL_read(client, &byte, 1), why = SSL_get_error(client, status);
  CHECK(status <= 0 && why != SSL_ERROR_ZERO_RETURN);
  return why != SSL_ERROR_WANT_READ;
}

/* An answer may be under way that its end alone tells the length of. */
TEST(bridge_ends_with_close_all_and_with_its_thread) {
  for (int death = 0; death < 2; death++) {
    int fd;
    bridge_open_rig(NULL, 0);
    SSL *client = bridge_client(&fd);
    if (death) {
      engine_detach(bridged.rig.engine);
      CHECK_EQ(rig_stats(&bridged.rig).active, 0);
      CHECK(engine_attach(bridged.rig.engine, true));
      engine_ready(bridged.rig.engine);
    } else {
      engine_close_all(bridged.rig.engine, REASON_DRAIN_TIMEOUT);
      EVENTUALLY(bridged.told == 1);
      CHECK_EQ(embedder_last(&bridged.rig.embedder, EVENT_ENDED).d, REASON_DRAIN_TIMEOUT);
    }
    socket_expect_eof(fd);
    close(fd);
    EVENTUALLY(is_cut(client));
    tls_peer_free(client);
    bridge_expect_told(death ? 0 : 1);
    bridge_close_rig();
  }
}

TEST(bridge_without_a_descriptor) {
  struct rlimit before, none;
  bridge_open_rig(NULL, 0);
  bridged.rig.embedder.decide = NULL;
  SSL *client = tls_peer_client(&bridged.rig);
  CHECK_EQ(tls_peer_write(client, PLAIN_HEAD, strlen(PLAIN_HEAD)), strlen(PLAIN_HEAD));
  EVENTUALLY(embedder_count(&bridged.rig.embedder, EVENT_REQUEST) == 1);
  connection_id id = embedder_last(&bridged.rig.embedder, EVENT_REQUEST).id;
  CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
  none = before;
  struct detached detached;
  for (rlim_t spare = 0; spare < 2; spare++) {
    none.rlim_cur = 3 + spare;
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    bool taken = engine_detach_client(bridged.rig.engine, id, 0, &detached);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(!taken);
  }
  CHECK(engine_respond(bridged.rig.engine, id, BAD_GATEWAY, strlen(BAD_GATEWAY), "", 0, 0));
  tls_peer_read_all(client, data, strlen(BAD_GATEWAY));
  tls_peer_expect_end(client);
  tls_peer_free(client);
  bridge_close_rig();
}
