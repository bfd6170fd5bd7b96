/* Bridged clients that come back for an upgrade: nothing that is on its way is lost, in either direction. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls_peer.h"

#define LARGE 120000

static struct rig rig;
static char answer[LARGE], early[LARGE], got[2 * LARGE + 1024];

static void open_rig(const struct engine_options *options, int buffer_bytes) {
  rig_open(&rig, options, buffer_bytes);
  tls_peer_listen(&rig);
  rig.embedder.decide = NULL;
  struct prng prng = prng_new(5);
  for (size_t i = 0; i < LARGE; i++) answer[i] = (char)prng_next(&prng), early[i] = (char)prng_next(&prng);
}

static void close_rig(void) {
  tls_peer_forget(&rig);
  rig_close(&rig);
}

static SSL *bridge(connection_id *id, int *fd) {
  struct detached detached;
  SSL *client = tls_peer_client(&rig);
  CHECK_EQ(tls_peer_write(client, PLAIN_HEAD, strlen(PLAIN_HEAD)), strlen(PLAIN_HEAD));
  EVENTUALLY(embedder_count(&rig.embedder, EVENT_REQUEST) == 1);
  *id = embedder_last(&rig.embedder, EVENT_REQUEST).id;
  CHECK(engine_detach_client(rig.engine, *id, 1, &detached));
  free(detached.early);
  *fd = detached.fd;
  return client;
}

static bool attach(connection_id id, int fd, const char *bytes) {
  return engine_attach_client(rig.engine, id, fd, (const uint8_t *)bytes, (uint32_t)strlen(bytes));
}

static void read_client(SSL *client, size_t wanted) {
  size_t have = 0;
  bool ended = false;
  EVENTUALLY((have += tls_peer_read(client, got + have, wanted - have, &ended)) == wanted || ended);
  CHECK_EQ(have, wanted);
}

static void finish(SSL *client, int backend, long long up) {
  SSL_shutdown(client);
  socket_expect_eof(backend);
  close(backend);
  tls_peer_free(client);
  rig_expect_log(&rig, "\"closeReason\":\"client-closed\"");
  CHECK_EQ(rig_log_number(&rig, "requestBodyBytes"), up);
  CHECK_EQ(rig_stats(&rig).bytes_up, up);
}

/* What the client takes now of its next piece; a piece that it has begun is offered again. */
static size_t send_early(SSL *client, size_t sent) {
  size_t left = LARGE - sent;
  return left > 0 ? tls_peer_write(client, early + sent, left < 16384 ? left : 16384) : 0;
}

/* `small`: of the answer before, and of what the client has sent behind its upgrade, most is on its way. */
static void come_back(bool small, bool stepped) {
  connection_id id;
  int fd, backend;
  open_rig(NULL, small ? 4096 : 0);
  SSL *client = bridge(&id, &fd);
  socket_send_text(fd, "?");
  read_client(client, 1);
  size_t written = 0, received = 0;
  ssize_t count;
  while ((count = write(fd, answer + written, LARGE - written)) > 0) written += (size_t)count;
  size_t sent = 0, before = 0;
  for (int still = 0; still < 20; before = sent) {
    sent += send_early(client, sent);
    still = sent > before ? 0 : still + 1;
    if (stepped) embedder_step(&rig.embedder, 1);
  }
  CHECK(!attach(id, fd, "GET / HTTP/1.1\r\nno end"));
  rig.embedder.decide = embedder_proxy;
  CHECK(attach(id, fd, REQUEST_HEAD "first"));
  CHECK(!attach(id, fd, REQUEST_HEAD));
  CHECK(!engine_client_closed(rig.engine, id, REASON_CLIENT_CLOSED, 1, 1));
  close(fd);
  read_client(client, written);
  CHECK(memcmp(got, answer, written) == 0);
  backend = rig_backend(&rig);
  CHECK(embedder_last(&rig.embedder, EVENT_REQUEST).id == id);
  socket_expect_text(backend, REQUEST_HEAD);
  socket_send_text(backend, SWITCH_HEAD "behind");
  read_client(client, strlen(SWITCH_HEAD "behind"));
  CHECK(memcmp(got, SWITCH_HEAD "behind", strlen(SWITCH_HEAD "behind")) == 0);
  socket_expect_text(backend, "first");
  while (received < LARGE) {
    ssize_t more = 0;
    EVENTUALLY((sent += send_early(client, sent)) > 0 && (more = read(backend, got, sizeof got)) > 0);
    CHECK(memcmp(got, early + received, (size_t)more) == 0);
    received += (size_t)more;
  }
  finish(client, backend, 5 + LARGE);
  close_rig();
}

TEST(attach_loses_nothing_that_is_on_its_way) {
  come_back(false, false);
  come_back(false, true);
  come_back(true, false);
  come_back(true, true);
}

/* The event of a request that came back says of the client's TLS what the first one said. */
TEST(attach_tells_of_tls_again) {
  connection_id id;
  int fd;
  open_rig(NULL, 0);
  SSL *client = bridge(&id, &fd);
  uint32_t text_length = embedder_last(&rig.embedder, EVENT_REQUEST).code;
  CHECK(text_length > 0);
  CHECK(attach(id, fd, REQUEST_HEAD));
  close(fd);
  EVENTUALLY(embedder_count(&rig.embedder, EVENT_REQUEST) == 2);
  CHECK_EQ(embedder_last(&rig.embedder, EVENT_REQUEST).code, text_length);
  CHECK(engine_respond(rig.engine, id, BAD_GATEWAY, strlen(BAD_GATEWAY), "", 0, 0));
  read_client(client, strlen(BAD_GATEWAY));
  tls_peer_free(client);
  rig_expect_log(&rig, "\"closeReason\":\"refused\"");
  close_rig();
}

/* There and back, with requests that stay plain and bytes behind each. */
TEST(attach_again_and_again) {
  connection_id id;
  int fd;
  open_rig(NULL, 0);
  SSL *client = bridge(&id, &fd);
  for (size_t round = 2; round < 20; round++) {
    struct detached detached;
    CHECK_EQ(tls_peer_write(client, "behind", 6), 6);
    socket_send_text(fd, "answer");
    CHECK(attach(id, fd, PLAIN_HEAD "and "));
    close(fd);
    EVENTUALLY(embedder_count(&rig.embedder, EVENT_REQUEST) == round);
    CHECK(embedder_last(&rig.embedder, EVENT_REQUEST).id == id);
    read_client(client, 6);
    CHECK(memcmp(got, "answer", 6) == 0);
    CHECK(engine_detach_client(rig.engine, id, 1, &detached));
    fd = detached.fd;
    CHECK(detached.early_length >= 4 && memcmp(detached.early, "and behind", detached.early_length) == 0);
    socket_expect(fd, "and behind" + detached.early_length, 10 - detached.early_length);
    free(detached.early);
  }
  CHECK(engine_client_closed(rig.engine, id, REASON_CLIENT_CLOSED, 0, 0));
  close(fd);
  engine_log_line(rig.engine, "{}\n", 3);
  tls_peer_free(client);
  close_rig();
}

/* A client that does not take the answer before its upgrade is not waited for without end; nor is one that leaves. */
static void never_come_back(bool reset) {
  connection_id id;
  int fd;
  struct engine_options options = embedder_options();
  if (!reset) options.half_close_timeout_ms = 60;
  open_rig(&options, 4096);
  SSL *client = bridge(&id, &fd);
  while (write(fd, answer, LARGE) > 0) embedder_step(&rig.embedder, 1);
  CHECK(attach(id, fd, REQUEST_HEAD));
  close(fd);
  if (reset) {
    embedder_step(&rig.embedder, 1);
    socket_reset(SSL_get_fd(client));
    SSL_free(client);
  }
  rig_expect_log(&rig, reset ? "\"closeReason\":\"client-reset\"" : "\"closeReason\":\"idle-timeout\"");
  CHECK_EQ(embedder_count(&rig.embedder, EVENT_REQUEST), 1);
  CHECK_EQ(embedder_count(&rig.embedder, EVENT_ENDED), 0);
  if (!reset) tls_peer_free(client);
  close_rig();
}

TEST(attach_waits_for_a_bounded_time) {
  never_come_back(false);
  never_come_back(true);
}

TEST(attach_ends_with_its_thread) {
  connection_id id;
  int fd;
  open_rig(NULL, 0);
  SSL *client = bridge(&id, &fd);
  CHECK(attach(id, fd, REQUEST_HEAD));
  close(fd);
  engine_detach(rig.engine);
  CHECK_EQ(rig_stats(&rig).active, 0);
  CHECK(engine_attach(rig.engine, true));
  engine_ready(rig.engine);
  rig_expect_log(&rig, "\"closeReason\":\"worker-lost\"");
  tls_peer_free(client);
  close_rig();
}
