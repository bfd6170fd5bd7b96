/*
 * The socket as OpenSSL sees it: a BIO that never makes it wait to write.
 *
 * What the socket does not take is kept by the side, as for a plain one; so OpenSSL never holds half a record back, and a
 * read that has to write (an alert, a new key) needs nothing of its caller. Reading asks the kernel only when it may have
 * something: the engine's edge-triggered events and short reads say so.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tls_openssl.h"

/* A peer that makes us answer (renegotiation refused, …) and does not read ends here. */
#define KEPT_BYTES_MAX (4 * SCRATCH_BYTES)

static void transmit(struct tls *tls, const uint8_t *bytes, size_t length) {
  struct side *side = tls->side;
  ssize_t sent = side->pending_length == 0 ? side_transmit(side, bytes, length) : 0;
  if (sent < 0) {
    tls->send_error = errno;
    return;
  }
  size_t rest = length - (size_t)sent;
  if (rest == 0) return;
  bool kept = side->pending_length + rest <= KEPT_BYTES_MAX && side_keep(tls->engine, side, bytes + sent, rest);
  if (!kept) tls->send_error = ENOBUFS;
}

void tls_gather(struct tls *tls) {
  struct engine *engine = tls->engine;
  if (engine->sealed == NULL) engine->sealed = malloc(SEALED_BYTES);
  engine->sealed_length = 0;
  tls->gathering = engine->sealed != NULL;
}

void tls_release_gathered(struct tls *tls) {
  struct engine *engine = tls->engine;
  tls->gathering = false;
  if (engine->sealed_length > 0 && tls->send_error == 0) transmit(tls, engine->sealed, engine->sealed_length);
  engine->sealed_length = 0;
}

/* Always takes all: a socket that is broken is told of by tls_send, and OpenSSL goes on reading meanwhile. */
static int wire_write(BIO *bio, const char *bytes, int length) {
  struct tls *tls = BIO_get_data(bio);
  struct engine *engine = tls->engine;
  BIO_clear_retry_flags(bio);
  if (length <= 0 || tls->send_error != 0) return length;
  if (tls->gathering && engine->sealed_length + (uint32_t)length > SEALED_BYTES) {
    tls_release_gathered(tls);
    tls->gathering = (uint32_t)length <= SEALED_BYTES;
  }
  if (tls->gathering) {
    memcpy(engine->sealed + engine->sealed_length, bytes, (size_t)length);
    engine->sealed_length += (uint32_t)length;
  } else if (tls->send_error == 0) {
    transmit(tls, (const uint8_t *)bytes, (size_t)length);
  }
  return length;
}

void tls_begin(struct tls *tls) {
  tls_forget_errors();
  tls->credit = WIRE_CREDIT;
  tls->paused = false;
}

static int wire_read(BIO *bio, char *out, int length) {
  struct tls *tls = BIO_get_data(bio);
  struct side *side = tls->side;
  BIO_clear_retry_flags(bio);
  ssize_t count = -1;
  errno = EAGAIN;
  tls->paused = tls->credit <= 0 && (side->wire || side->hup);
  if (!tls->paused && (side->wire || side->hup)) {
    do {
      count = recv(side->fd, out, (size_t)length, 0);
    } while (count < 0 && errno == EINTR);
    if (count < length && (count <= 0 || !side->hup)) side->wire = false;
  }
  if (count > 0) {
    tls->credit -= (int32_t)count;
    return (int)count;
  }
  if (count == 0) {
    tls->eof = true;
  } else if (errno == EAGAIN) {
    BIO_set_retry_read(bio);
  } else {
    tls->error = errno;
  }
  return (int)count;
}

static long wire_control(BIO *bio, int command, long number, void *pointer) {
  (void)number;
  (void)pointer;
  if (command == BIO_CTRL_EOF) return ((struct tls *)BIO_get_data(bio))->eof;
  return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

static BIO_METHOD *method;

static void make_method(void) {
  method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice socket");
  if (method == NULL) return;
  BIO_meth_set_write(method, wire_write);
  BIO_meth_set_read(method, wire_read);
  BIO_meth_set_ctrl(method, wire_control);
}

BIO *tls_wire_new(struct tls *tls) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_method);
  BIO *bio = method != NULL ? BIO_new(method) : NULL;
  if (bio == NULL) return NULL;
  BIO_set_data(bio, tls);
  BIO_set_init(bio, 1);
  return bio;
}
