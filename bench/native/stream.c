/* See stream.h. OpenSSL writes into memory, from where one send takes all there is; it reads from the socket itself, ahead.
 * The handshake offers one version, one cipher, one group and the signature of either key: a peer that wants
 * anything else fails. */
#include "stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

static SSL_CTX *context;

static int keep_session(SSL *ssl, SSL_SESSION *session) {
  SSL_SESSION **place = SSL_get_app_data(ssl);
  if (place == NULL) return 0;
  SSL_SESSION_free(*place);
  *place = session;
  return 1;
}

void stream_offer(const char *version) {
  int number = strcmp(version, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
  context = SSL_CTX_new(TLS_client_method());
  errno = EINVAL;
  if (context == NULL || SSL_CTX_set_min_proto_version(context, number) != 1 ||
      SSL_CTX_set_max_proto_version(context, number) != 1 ||
      SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1 ||
      SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256") != 1 ||
      SSL_CTX_set1_groups_list(context, "X25519") != 1 ||
      SSL_CTX_set1_sigalgs_list(context, "ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256") != 1 ||
      SSL_CTX_set_alpn_protos(context, (const unsigned char *)"\x08http/1.1", 9) != 0)
    give_up("OpenSSL");
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL); /* the proof has compared the certificate */
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
}

void stream_secure(struct stream *stream, SSL_SESSION **session) {
  if (context == NULL) stream_offer("1.3");
  SSL *ssl = SSL_new(context);
  BIO *in = BIO_new_socket(stream->fd, BIO_NOCLOSE), *out = BIO_new(BIO_s_mem());
  errno = ENOMEM;
  if (ssl == NULL || in == NULL || out == NULL || SSL_set_tlsext_host_name(ssl, "bench.example.com") != 1) give_up("OpenSSL");
  SSL_set_bio(ssl, in, out);
  SSL_set_connect_state(ssl);
  SSL_set_app_data(ssl, session);
  if (session != NULL && *session != NULL && SSL_set_session(ssl, *session) != 1) give_up("OpenSSL");
  stream->ssl = ssl;
}

int stream_flush(struct stream *stream) {
  if (stream->ssl == NULL) return 1;
  BIO *out = SSL_get_wbio(stream->ssl);
  char *bytes = NULL;
  long length = BIO_get_mem_data(out, &bytes);
  if (length <= 0) return 1;
  ssize_t sent = send(stream->fd, bytes, (size_t)length, MSG_NOSIGNAL);
  if (sent == length) {
    (void)BIO_reset(out);
    return 1;
  }
  if (sent < 0) return errno == EAGAIN ? 0 : -1;
  while (sent > 0) { /* rare: drops what has been sent */
    char rest[4096];
    int part = BIO_read(out, rest, sent < (ssize_t)sizeof rest ? (int)sent : (int)sizeof rest);
    if (part <= 0) return -1;
    sent -= part;
  }
  return 0;
}

/* The errno that a plain socket would have answered with. */
static int told(const struct stream *stream, int status) {
  int why = SSL_get_error(stream->ssl, status);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return EAGAIN;
  return why == SSL_ERROR_SYSCALL && errno != 0 ? errno : EPROTO;
}

int stream_handshake(struct stream *stream) {
  if (stream->ssl == NULL) return 1;
  ERR_clear_error();
  int status = SSL_do_handshake(stream->ssl);
  int error = status == 1 ? 0 : told(stream, status);
  if (stream_flush(stream) < 0) return -1;
  errno = error;
  return status == 1 ? 1 : error == EAGAIN ? 0 : -1;
}

int stream_resumed(const struct stream *stream) { return SSL_session_reused(stream->ssl); }

ssize_t stream_send(struct stream *stream, const void *bytes, size_t length) {
  if (stream->ssl == NULL) return send(stream->fd, bytes, length, MSG_NOSIGNAL);
  size_t written = 0;
  ERR_clear_error();
  int status = SSL_write_ex(stream->ssl, bytes, length, &written);
  if (status != 1) {
    errno = told(stream, status);
    return -1;
  }
  return stream_flush(stream) < 0 ? -1 : (ssize_t)written;
}

ssize_t stream_receive(struct stream *stream, void *bytes, size_t capacity) {
  if (stream->ssl == NULL) return recv(stream->fd, bytes, capacity, 0);
  size_t have = 0, count = 0;
  int status;
  do {
    ERR_clear_error();
    status = SSL_read_ex(stream->ssl, (char *)bytes + have, capacity - have, &count);
    if (status == 1) have += count;
  } while (status == 1 && have < capacity && SSL_has_pending(stream->ssl));
  if (have > 0) return (ssize_t)have;
  if (SSL_get_error(stream->ssl, status) == SSL_ERROR_ZERO_RETURN) return 0;
  errno = told(stream, status);
  return -1;
}

int stream_shut(struct stream *stream) {
  if (stream->ssl != NULL) {
    SSL_shutdown(stream->ssl);
    if (stream_flush(stream) != 1) return -1;
  }
  return shutdown(stream->fd, SHUT_WR);
}

void stream_close(struct stream *stream) {
  /* An end without close_notify would take the session with it, which is whole. */
  if (stream->ssl != NULL) SSL_set_shutdown(stream->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(stream->ssl);
  close(stream->fd);
  *stream = (struct stream){.fd = -1};
}
