/* ALPN: the listener's order counts, nothing in common is an alert, a resumed session chooses anew. */
#include <string.h>
#include <unistd.h>

#include "tls_peer.h"

#define H2 "\x02h2"
#define HTTP11 "\x08http/1.1"
#define SPDY "\x06spdy/1"

static struct rig rig;

/* A handshake that offers these; what was chosen is in `chosen`. False: an alert. */
static bool offer(SSL_CTX *context, const char *offered, SSL_SESSION **session, char chosen[32]) {
  SSL *peer = SSL_new(context);
  int fd = rig_client(&rig), status = 0, why = 0;
  char bytes[256];
  bool ended = false;
  SSL_set_fd(peer, fd);
  if (offered[0] != 0) CHECK(SSL_set_alpn_protos(peer, (const uint8_t *)offered, (unsigned)strlen(offered)) == 0);
  if (*session != NULL) CHECK(SSL_set_session(peer, *session) == 1);
  EVENTUALLY((status = SSL_connect(peer)) == 1 || (why = SSL_get_error(peer, status)) == SSL_ERROR_SSL);
  if (status == 1) {
    const uint8_t *name = NULL;
    unsigned length = 0;
    SSL_get0_alpn_selected(peer, &name, &length);
    memcpy(chosen, name != NULL ? (const char *)name : "", length);
    chosen[length] = 0;
    CHECK_EQ(SSL_session_reused(peer), *session != NULL);
    CHECK(tls_peer_write(peer, REQUEST_HEAD, strlen(REQUEST_HEAD)) > 0);
    size_t have = 0;
    EVENTUALLY((have += tls_peer_read(peer, bytes, sizeof bytes, &ended)) > 0 && ended); /* with a ticket in front of it */
    if (*session == NULL) *session = SSL_get1_session(peer);
    SSL_shutdown(peer); /* else the session is good for nothing */
  }
  SSL_free(peer);
  close(fd);
  EVENTUALLY(rig_stats(&rig).active == 0);
  return status == 1;
}

static void answer(struct embedder *embedder, const struct event *event) {
  if (event->kind == EVENT_REQUEST) engine_respond(embedder->engine, event->id, BAD_GATEWAY, strlen(BAD_GATEWAY), "", 0, 0);
}

static void expect(const char *listener, int version, const char *offered, const char *wanted, const char *later) {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL_SESSION *session = NULL;
  char chosen[32] = "";
  CHECK(SSL_CTX_set_max_proto_version(context, version) == 1);
  rig_open(&rig, NULL, 0);
  rig.embedder.decide = answer;
  tls_peer_listen_alpn(&rig, listener, (uint32_t)strlen(listener));
  CHECK_EQ(offer(context, offered, &session, chosen), wanted != NULL);
  if (wanted != NULL) CHECK(strcmp(chosen, wanted) == 0);
  if (later != NULL) { /* the same session, other protocols */
    CHECK(offer(context, later, &session, chosen));
    CHECK(strncmp(chosen, later + 1, (size_t)later[0]) == 0);
    CHECK(offer(context, "", &session, chosen));
    CHECK(chosen[0] == 0);
    CHECK(!offer(context, SPDY, &session, chosen));
  }
  SSL_SESSION_free(session);
  SSL_CTX_free(context);
  tls_peer_forget(&rig);
  rig_close(&rig);
}

TEST(alpn_is_negotiated) {
  static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  for (int i = 0; i < 2; i++) {
    expect(H2 HTTP11, versions[i], HTTP11 H2, "h2", HTTP11);
    expect(HTTP11 H2, versions[i], H2 HTTP11, "http/1.1", H2);
    expect(H2 HTTP11, versions[i], "", "", NULL);
    expect(H2 HTTP11, versions[i], SPDY, NULL, NULL);
    expect("", versions[i], H2 HTTP11, "", NULL);
  }
}
