/* A PROXY header in front of TLS: the handshake begins right behind it, in the same piece or later. */
#include <string.h>
#include <unistd.h>

#include "tls_peer.h"

#define HEADER "PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n"

static struct rig rig;
static struct proxy_source loopback = {.address.s6_addr = {[10] = 0xff, [11] = 0xff, [12] = 127}, .prefix = 104};

/* The client's handshake over memory first, so that its ClientHello goes out in one piece with the header. */
static SSL *connect_with_header(size_t cut) {
  static char bytes[4096];
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL *peer = SSL_new(context);
  BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
  SSL_CTX_free(context);
  BIO_up_ref(in);
  BIO_up_ref(out);
  SSL_set_bio(peer, in, out);
  CHECK(SSL_connect(peer) != 1);
  size_t length = strlen(HEADER);
  memcpy(bytes, HEADER, length);
  int hello = BIO_read(out, bytes + length, (int)(sizeof bytes - length));
  CHECK(hello > 0);
  BIO_free(in);
  BIO_free(out);
  length += (size_t)hello;
  int fd = rig_client(&rig);
  socket_send(fd, bytes, cut);
  for (int i = 0; i < 3; i++) embedder_step(&rig.embedder, cut > 0 ? 2 : 0);
  socket_send(fd, bytes + cut, length - cut);
  SSL_set_fd(peer, fd);
  SSL_set_mode(peer, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  EVENTUALLY(SSL_connect(peer) == 1);
  return peer;
}

TEST(tls_behind_a_proxy_header) {
  size_t cuts[] = {0, 1, 20, strlen(HEADER), strlen(HEADER) + 1, strlen(HEADER) + 100};
  rig_open(&rig, NULL, 0);
  rig.listener.proxy_sources = &loopback;
  rig.listener.proxy_count = 1;
  tls_peer_listen(&rig);
  for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
    char text[256];
    size_t length = 0;
    bool ended = false;
    SSL *client = connect_with_header(cuts[i]);
    CHECK(tls_peer_write(client, REQUEST_HEAD, strlen(REQUEST_HEAD)) == strlen(REQUEST_HEAD));
    int backend = rig_backend(&rig);
    socket_expect_text(backend, REQUEST_HEAD);
    socket_send_text(backend, SWITCH_HEAD);
    EVENTUALLY((length += tls_peer_read(client, text + length, sizeof text - length, &ended)) == strlen(SWITCH_HEAD));
    struct event event = embedder_last(&rig.embedder, EVENT_REQUEST);
    CHECK(strcmp(event.address, "2001:db8::7") == 0);
    CHECK_EQ(event.d, 4711);
    SSL_shutdown(client);
    socket_expect_eof(backend);
    close(backend);
    tls_peer_free(client);
    EVENTUALLY(rig_stats(&rig).active == 0);
  }
  CHECK_EQ(rig_stats(&rig).tls_accepted, sizeof cuts / sizeof *cuts);
  tls_peer_forget(&rig);
  rig_close(&rig);
}

/* What was to be a header is the ClientHello: TLS is never begun. */
TEST(tls_without_its_proxy_header) {
  rig_open(&rig, NULL, 0);
  rig.listener.proxy_sources = &loopback;
  rig.listener.proxy_count = 1;
  tls_peer_listen(&rig);
  int client = rig_client(&rig);
  socket_send(client, "\x16\x03\x01\x02\x00", 5);
  size_t length = 0;
  socket_drain(client, rig.log, sizeof rig.log, &length);
  CHECK_EQ(length, 0);
  close(client);
  rig_expect_log(&rig, "\"proxyError\":\"no PROXY header\"");
  CHECK_EQ(rig_stats(&rig).tls_refused, 0);
  tls_peer_forget(&rig);
  rig_close(&rig);
}
