/* Peers with TLS; see tls_peer.h. */
#include "tls_peer.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *text_of(BIO *bio) {
  char *bytes = NULL;
  long length = BIO_get_mem_data(bio, &bytes);
  char *text = strndup(bytes, (size_t)length);
  BIO_free(bio);
  return text;
}

/* Self-signed, for nobody in particular: the clients of these tests verify nothing. */
static struct tls_certificate make_certificate(void) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *certificate = X509_new();
  CHECK(key != NULL && certificate != NULL);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  CHECK(X509_sign(certificate, key, EVP_sha256()) > 0);
  BIO *chain = BIO_new(BIO_s_mem()), *pem = BIO_new(BIO_s_mem());
  CHECK(PEM_write_bio_X509(chain, certificate) == 1);
  CHECK(PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL) == 1);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return (struct tls_certificate){.chain = text_of(chain), .key = text_of(pem)};
}

void tls_peer_listen(struct rig *rig) { tls_peer_listen_alpn(rig, "", 0); }

void tls_peer_listen_alpn(struct rig *rig, const char *alpn, uint32_t alpn_length) {
  static char none[] = "";
  char error[TLS_ERROR_BYTES];
  struct tls_server_options options = {.certificate_count = 1, .ciphers = none, .client_ca = none, .session_context = none};
  options.certificates[0] = make_certificate();
  memcpy(options.alpn, alpn, alpn_length);
  options.alpn_length = alpn_length;
  struct sni_entry entry = {.pattern = none, .context = tls_server_context(&options, error)};
  free(options.certificates[0].chain);
  free(options.certificates[0].key);
  CHECK(entry.context != 0);
  CHECK(listener_tls(&rig->listener, &entry, 1, true, error));
  tls_context_release(entry.context);
}

void tls_peer_forget(struct rig *rig) { CHECK(listener_tls(&rig->listener, NULL, 0, false, NULL)); }

SSL *tls_peer_client(struct rig *rig) {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL *peer = SSL_new(context);
  SSL_CTX_free(context);
  SSL_set_fd(peer, rig_client(rig));
  SSL_set_mode(peer, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  EVENTUALLY(SSL_connect(peer) == 1);
  return peer;
}

void tls_peer_free(SSL *peer) {
  close(SSL_get_fd(peer));
  SSL_free(peer);
}

size_t tls_peer_read(SSL *peer, void *out, size_t size, bool *ended) {
  size_t count = 0;
  ERR_clear_error();
  int status = SSL_read_ex(peer, out, size, &count);
  int why = SSL_get_error(peer, status);
  *ended = status != 1 && why == SSL_ERROR_ZERO_RETURN;
  CHECK(status == 1 || *ended || why == SSL_ERROR_WANT_READ);
  return count;
}

size_t tls_peer_write(SSL *peer, const void *bytes, size_t length) {
  size_t count = 0;
  ERR_clear_error();
  int status = SSL_write_ex(peer, bytes, length, &count);
  CHECK(status == 1 || SSL_get_error(peer, status) == SSL_ERROR_WANT_WRITE);
  return count;
}

void tls_peer_splice(struct rig *rig, SSL **client, int *backend) {
  char head[1024];
  size_t length = 0;
  bool ended = false;
  *client = tls_peer_client(rig);
  CHECK(tls_peer_write(*client, REQUEST_HEAD, strlen(REQUEST_HEAD)) == strlen(REQUEST_HEAD));
  *backend = rig_backend(rig);
  socket_read_head(*backend, head, sizeof head);
  socket_send_text(*backend, SWITCH_HEAD);
  EVENTUALLY((length += tls_peer_read(*client, head + length, sizeof head - length, &ended)) >= strlen(SWITCH_HEAD));
  CHECK(memcmp(head, SWITCH_HEAD, strlen(SWITCH_HEAD)) == 0);
}

void tls_peer_exchange(SSL *client, int other, struct prng *prng, size_t bytes, size_t piece_max) {
  static uint8_t out[65536], in[65536];
  size_t up_sent = 0, up_piece = 0, up = 0, down_sent = 0, down = 0;
  bool ended = false;
  uint64_t deadline = harness_now_ms() + EVENTUALLY_MS * 4;
  while (up < bytes || down < bytes) {
    CHECK(harness_now_ms() < deadline);
    size_t piece = prng_range(prng, 1, (uint32_t)piece_max);
    if (up_piece == 0) up_piece = bytes - up_sent < piece ? bytes - up_sent : piece; /* a retry is of the same length */
    for (size_t i = 0; i < up_piece; i++) out[i] = (uint8_t)((up_sent + i) * 7 % 251);
    size_t taken = up_piece > 0 ? tls_peer_write(client, out, up_piece) : 0;
    up_sent += taken;
    if (taken > 0) up_piece = 0;
    size_t left = bytes - down_sent < piece ? bytes - down_sent : piece;
    for (size_t i = 0; i < left; i++) out[i] = (uint8_t)((down_sent + i) * 11 % 241);
    ssize_t count = left > 0 ? write(other, out, left) : 0;
    if (count > 0) down_sent += (size_t)count;
    harness_idle();
    count = read(other, in, prng_range(prng, 1, sizeof in));
    for (ssize_t i = 0; i < count; i++) CHECK_EQ(in[i], (up + (size_t)i) * 7 % 251);
    if (count > 0) up += (size_t)count;
    size_t got = tls_peer_read(client, in, prng_range(prng, 1, sizeof in), &ended);
    CHECK(!ended);
    for (size_t i = 0; i < got; i++) CHECK_EQ(in[i], (down + i) * 11 % 241);
    down += got;
  }
}

void tls_peer_read_all(SSL *client, char *out, size_t wanted) {
  size_t have = 0;
  bool ended = false;
  EVENTUALLY((have += tls_peer_read(client, out + have, wanted - have, &ended)) == wanted || ended);
  CHECK_EQ(have, wanted);
}

void tls_peer_expect_end(SSL *client) {
  char byte;
  bool ended = false;
  EVENTUALLY(tls_peer_read(client, &byte, 1, &ended) == 0 && ended);
}
