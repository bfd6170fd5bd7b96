/*
 * Heads: collected from a socket until they are complete, and kept while they are not.
 *
 * A head ends with an empty line; a line ends with LF here, so that a head with bare LFs reaches the strict parser and
 * gets its 400 instead of waiting for more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

uint32_t head_end(const uint8_t *bytes, uint32_t length, uint32_t seen) {
  uint32_t at = seen > 3 ? seen - 3 : 0;
  while (at < length) {
    const uint8_t *found = memchr(bytes + at, '\n', length - at);
    if (found == NULL) return 0;
    at = (uint32_t)(found - bytes) + 1;
    if (at < length && bytes[at] == '\n') return at + 1;
    if (at + 1 < length && bytes[at] == '\r' && bytes[at + 1] == '\n') return at + 2;
  }
  return 0;
}

bool head_copy(uint8_t **place, uint32_t *place_length, const uint8_t *bytes, uint32_t length, uint32_t capacity) {
  *place_length = 0;
  if (*place == NULL && length > 0) *place = malloc(capacity > length ? capacity : length);
  if (*place == NULL) return length == 0;
  memmove(*place, bytes, length);
  *place_length = length;
  return true;
}

enum head_status head_receive(struct engine *engine, struct side *side, struct handshake *handshake,
                                     uint8_t *space, uint8_t **head, uint32_t *length, uint32_t *end) {
  uint32_t max = engine->options.head_bytes_max;
  uint32_t have = handshake != NULL ? handshake->in_length : 0;
  *head = have > 0 ? handshake->in : space;
  if (have > 0 && (*end = head_end(*head, have, 0)) > 0) { /* whole already: see engine_attach_client */
    *length = have;
    return HEAD_DONE;
  }
  while (side->readable) {
    ssize_t count = side_receive(side, *head + have, max - have);
    if (count == 0) return side_cut(side) ? HEAD_ERROR : HEAD_EOF;
    if (count < 0 && errno != EAGAIN) return HEAD_ERROR;
    if (count < 0) break;
    uint32_t seen = have;
    have += (uint32_t)count;
    *length = have;
    *end = head_end(*head, have, seen);
    if (*end > 0) return HEAD_DONE;
    if (have == max) return HEAD_TOO_LARGE;
  }
  *length = have;
  return HEAD_MORE;
}

bool head_keep(struct engine *engine, struct connection *connection, const uint8_t *head, uint32_t length) {
  if (length == 0) return true;
  struct handshake *handshake = handshake_get(connection);
  if (handshake == NULL) return false;
  if (head == handshake->in) {
    handshake->in_length = length;
    return true;
  }
  return head_copy(&handshake->in, &handshake->in_length, head, length, engine->options.head_bytes_max);
}
