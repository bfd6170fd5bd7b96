/*
 * One socket of a connection: reading, writing and ending, plain or with TLS; nothing above this knows which.
 *
 * What a socket does not take is kept for it, in order, as it goes on the wire (with TLS: as ciphertext), so a write that
 * has been taken is never taken back. Reading answers as recv does, and keeps `readable` itself: false means that nothing
 * more comes before the next event.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

/* With TLS to a full socket and no memory left: a record of which the rest has to be kept is no larger. */
#define SMALL_RECORD_BYTES 4096u

void side_drop(struct engine *engine, struct side *side) {
  counter_add(&engine->pending_bytes, (uint64_t)-(int64_t)side->pending_length);
  free(side->pending);
  side->pending = NULL;
  side->pending_offset = side->pending_length = 0;
}

void side_close(struct engine *engine, struct side *side) {
  if (side->tls != NULL) tls_close(engine, side);
  close(side->fd);
  side_drop(engine, side);
  *side = (struct side){.fd = -1};
}

bool side_keep(struct engine *engine, struct side *side, const uint8_t *bytes, size_t length) {
  uint32_t have = side->pending_length;
  uint8_t *kept = malloc(have + length);
  if (kept == NULL) return false;
  if (have > 0) memcpy(kept, side->pending + side->pending_offset, have);
  memcpy(kept + have, bytes, length);
  free(side->pending);
  side->pending = kept;
  side->pending_offset = 0;
  side->pending_length = have + (uint32_t)length;
  counter_add(&engine->pending_bytes, length);
  return true;
}

ssize_t side_transmit(struct side *side, const uint8_t *bytes, size_t length) {
  size_t sent = 0;
  while (sent < length) {
    ssize_t count = send(side->fd, bytes + sent, length - sent, MSG_NOSIGNAL);
    if (count > 0) {
      sent += (size_t)count;
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != EAGAIN && errno != ENOBUFS) return -1;
    side->writable = false;
    break;
  }
  return (ssize_t)sent;
}

enum send_status side_send(struct engine *engine, struct side *side, const uint8_t *bytes, size_t length) {
  if (side->tls != NULL) return tls_send(engine, side, bytes, length);
  ssize_t sent = 0;
  if (side->pending_length == 0) sent = side_transmit(side, bytes, length);
  if (sent < 0) return SEND_ERROR;
  if ((size_t)sent == length) return SEND_DONE;
  return side_keep(engine, side, bytes + sent, length - (size_t)sent) ? SEND_KEPT : SEND_ERROR;
}

ssize_t side_send_some(struct engine *engine, struct side *side, const uint8_t *bytes, size_t length) {
  if (side->tls == NULL) return side_transmit(side, bytes, length);
  return tls_send(engine, side, bytes, length) == SEND_ERROR ? -1 : (ssize_t)length;
}

size_t side_some(const struct side *side) { return side->tls != NULL ? SMALL_RECORD_BYTES : SCRATCH_BYTES; }

enum send_status side_flush(struct engine *engine, struct side *side) {
  if (side->pending_length == 0) return SEND_DONE;
  if (!side->writable) return SEND_KEPT;
  ssize_t sent = side_transmit(side, side->pending + side->pending_offset, side->pending_length);
  if (sent < 0) return SEND_ERROR;
  side->pending_offset += (uint32_t)sent;
  side->pending_length -= (uint32_t)sent;
  counter_add(&engine->pending_bytes, (uint64_t)-(int64_t)sent);
  if (side->pending_length > 0) return SEND_KEPT;
  side_drop(engine, side);
  if (side->tls != NULL && side->shut) shutdown(side->fd, SHUT_WR); /* what was kept was the close_notify */
  return SEND_DONE;
}

void side_shut(struct engine *engine, struct side *side) {
  side->shut = true;
  if (side->tls != NULL) tls_shut(engine, side);
  if (side->pending_length == 0) shutdown(side->fd, SHUT_WR);
}

static ssize_t receive(struct side *side, uint8_t *bytes, size_t capacity, int flags) {
  ssize_t count;
  do {
    count = recv(side->fd, bytes, capacity, flags);
  } while (count < 0 && errno == EINTR);
  /* A short read means drained, unless the peer has hung up: then only a read of 0 or an error does. */
  if (count < (ssize_t)capacity && (count <= 0 || !side->hup)) side->readable = false;
  return count;
}

ssize_t side_receive(struct side *side, uint8_t *bytes, size_t capacity) {
  return side->tls != NULL ? tls_receive(side, bytes, capacity) : receive(side, bytes, capacity, 0);
}

ssize_t side_peek(struct side *side, uint8_t *bytes, size_t capacity) {
  return side->tls != NULL ? tls_peek(side, bytes, capacity) : receive(side, bytes, capacity, MSG_PEEK);
}

bool side_cut(const struct side *side) { return side->tls != NULL && tls_cut(side); }

void side_abort(struct side *side) {
  if (side->tls != NULL) tls_abort(side);
}
