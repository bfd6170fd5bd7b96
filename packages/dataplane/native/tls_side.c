/*
 * A side's TLS: its handshake, reads, writes and end.
 *
 * The error queue is cleared before every call (another connection's error would be taken for this one's). Reading goes on
 * until OpenSSL wants more from the socket (bytes that it has taken from there bring no event) or the call has taken its
 * share of it: then the side stays readable. An end without close_notify
 * is told of as an end that is `cut`: heads and answers do not take it for one in order.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tls_openssl.h"

/* What OpenSSL puts into one record: goes to the socket as it is, more is gathered for one send. */
#define RECORD_BYTES 16384u

bool tls_side_new(struct engine *engine, struct side *side, SSL_CTX *context) {
  struct tls *tls = calloc(1, sizeof *tls);
  if (tls == NULL) return false;
  tls->engine = engine;
  tls->side = side;
  tls_forget_errors();
  tls->ssl = SSL_new(context);
  BIO *bio = tls->ssl != NULL ? tls_wire_new(tls) : NULL;
  if (bio == NULL) {
    SSL_free(tls->ssl);
    free(tls);
    return false;
  }
  SSL_set_bio(tls->ssl, bio, bio);
  SSL_set_app_data(tls->ssl, tls);
  side->tls = tls;
  return true;
}

static enum tls_status handshake_failed(struct tls *tls) {
  tls->failed = true;
  if (tls->why != NULL || tls->error != 0) return TLS_FAILED;
  long verified = SSL_get_verify_result(tls->ssl);
  unsigned long reason = ERR_peek_last_error();
  if (tls->eof) {
    tls->why = "closed during the handshake";
  } else if (verified != X509_V_OK && !SSL_is_server(tls->ssl)) {
    tls->why = X509_verify_cert_error_string(verified);
  } else {
    tls->why = ERR_reason_error_string(reason);
  }
  if (tls->why == NULL) tls->why = "the handshake failed";
  return TLS_FAILED;
}

enum tls_status tls_handshake(struct engine *engine, struct side *side) {
  struct tls *tls = side->tls;
  if (side_flush(engine, side) == SEND_ERROR) {
    tls->error = errno;
    return handshake_failed(tls);
  }
  tls_gather(tls);
  tls_begin(tls);
  int status = SSL_do_handshake(tls->ssl);
  int why = SSL_get_error(tls->ssl, status);
  tls_release_gathered(tls);
  if (tls->send_error != 0 && tls->error == 0) tls->error = tls->send_error;
  if (tls->error != 0) return handshake_failed(tls);
  if (status == 1) {
    side->readable = true; /* the first bytes may be behind the handshake's last ones */
    return TLS_DONE;
  }
  if (why != SSL_ERROR_WANT_READ) return handshake_failed(tls);
  side->readable = tls->paused;
  return TLS_MORE;
}

int tls_failure(const struct side *side, const char **why) {
  *why = side->tls->why;
  return side->tls->why == NULL ? side->tls->error : 0;
}

/* How the peer's stream has ended; false: it has not, there is only nothing more now. */
static bool ended(struct tls *tls, int status) {
  int why = SSL_get_error(tls->ssl, status);
  if (why == SSL_ERROR_WANT_READ) return false;
  if (why == SSL_ERROR_ZERO_RETURN) {
    tls->end = tls->eof ? END_CUT : END_CLOSED;
    return true;
  }
  tls->end = tls->eof && tls->error == 0 ? END_CUT : END_ERROR;
  if (tls->error == 0) tls->error = EPROTO; /* not TLS any more, or tampered with: OpenSSL has sent the alert */
  tls->failed = true;
  return true;
}

static ssize_t tell_end(struct side *side) {
  const struct tls *tls = side->tls;
  side->readable = false;
  errno = tls->end == END_ERROR ? tls->error : ECONNRESET; /* the latter for those to whom a cut end is a failure */
  return tls->end == END_ERROR ? -1 : 0;
}

/* Nothing is left, neither in the socket nor in OpenSSL: no need to ask. */
static bool is_dry(const struct side *side) { return !side->wire && !side->hup && !SSL_has_pending(side->tls->ssl); }

ssize_t tls_receive(struct side *side, uint8_t *bytes, size_t capacity) {
  struct tls *tls = side->tls;
  size_t have = 0;
  bool more = true;
  tls_begin(tls);
  while (have < capacity && more && tls->end == END_NONE) {
    size_t count = 0;
    tls_forget_errors();
    int status = SSL_read_ex(tls->ssl, bytes + have, capacity - have, &count);
    have += count;
    tls->credit += (int32_t)count;
    more = status == 1 ? !is_dry(side) : ended(tls, status);
  }
  side->readable = more || tls->paused;
  if (have > 0) return (ssize_t)have;
  if (tls->end != END_NONE) return tell_end(side);
  errno = EAGAIN;
  return -1;
}

ssize_t tls_peek(struct side *side, uint8_t *bytes, size_t capacity) {
  struct tls *tls = side->tls;
  if (tls->end != END_NONE) return tell_end(side);
  size_t count = 0;
  tls_begin(tls);
  int status = SSL_peek_ex(tls->ssl, bytes, capacity, &count);
  if (status == 1) return (ssize_t)count;
  if (ended(tls, status)) return tell_end(side);
  side->readable = tls->paused;
  errno = EAGAIN;
  return -1;
}

enum send_status tls_send(struct engine *engine, struct side *side, const uint8_t *bytes, size_t length) {
  struct tls *tls = side->tls;
  (void)engine;
  size_t written = 0;
  int status = 1;
  if (length > 0) {
    if (length > RECORD_BYTES) tls_gather(tls);
    tls_forget_errors();
    status = SSL_write_ex(tls->ssl, bytes, length, &written);
    if (tls->gathering) tls_release_gathered(tls);
  }
  if (status == 1 && tls->send_error == 0) return side->pending_length > 0 ? SEND_KEPT : SEND_DONE;
  errno = tls->send_error != 0 ? tls->send_error : EPROTO;
  if (tls->send_error == 0) tls->failed = true;
  return SEND_ERROR;
}

void tls_shut(struct engine *engine, struct side *side) {
  struct tls *tls = side->tls;
  (void)engine;
  if (tls->failed || tls->send_error != 0 || !SSL_is_init_finished(tls->ssl)) return;
  tls_forget_errors();
  SSL_shutdown(tls->ssl);
}

bool tls_cut(const struct side *side) { return side->tls->end == END_CUT; }

void tls_abort(struct side *side) { side->tls->failed = true; }

void tls_close(struct engine *engine, struct side *side) {
  struct tls *tls = side->tls;
  if (!side->shut && side->pending_length == 0) tls_shut(engine, side);
  tls_settle(side);
  tls_forget(side);
  SSL_free(tls->ssl);
  free(tls);
  side->tls = NULL;
}
