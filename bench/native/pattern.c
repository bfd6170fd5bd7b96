/* The stamped frame of client.h. One template serves all connections: only the 8-byte stamp differs, and it is
 * patched in before each send, so 64-KiB frames on many connections cost no memory of their own. The stamp makes a
 * reply that reached the wrong connection, or came twice, an error. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "websocket.h"

enum { STAMP_BYTES = 8 };
static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};

void pattern_make(struct pattern *p, size_t payload_bytes) {
  p->frame = malloc(payload_bytes + FRAME_HEADER_MAX);
  p->reply = malloc(payload_bytes + FRAME_HEADER_MAX);
  if (p->frame == NULL || p->reply == NULL) give_up("memory");
  p->header_bytes = frame_write_header(p->frame, OPCODE_BINARY, payload_bytes, mask);
  p->reply_header_bytes = frame_write_header(p->reply, OPCODE_BINARY, payload_bytes, NULL);
  p->frame_bytes = p->header_bytes + payload_bytes;
  p->reply_bytes = p->reply_header_bytes + payload_bytes;
  uint8_t *payload = p->reply + p->reply_header_bytes;
  for (size_t i = 0; i < payload_bytes; i++) payload[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + 11);
  memcpy(p->frame + p->header_bytes, payload, payload_bytes);
  frame_mask(p->frame + p->header_bytes, payload_bytes, mask, 0);
}

static void stamp(uint8_t *at, uint32_t connection, uint32_t sequence) {
  memcpy(at, &connection, 4);
  memcpy(at + 4, &sequence, 4);
}

ssize_t pattern_send(struct pattern *p, struct stream *stream, uint32_t connection, uint32_t sequence, size_t offset) {
  uint8_t *at = p->frame + p->header_bytes;
  stamp(at, connection, sequence);
  frame_mask(at, STAMP_BYTES, mask, 0);
  ssize_t sent = stream_send(stream, p->frame + offset, p->frame_bytes - offset);
  if (sent < 0) return errno == EAGAIN ? 0 : -1;
  return sent;
}

int pattern_check(struct pattern *p, const uint8_t *bytes, size_t offset, size_t length, uint32_t connection,
                  uint32_t sequence, int thorough) {
  size_t checked = p->reply_header_bytes + STAMP_BYTES;
  stamp(p->reply + p->reply_header_bytes, connection, sequence);
  if (offset + length > p->reply_bytes) return 0;
  if (thorough) return memcmp(bytes, p->reply + offset, length) == 0;
  if (offset < checked) {
    size_t front = checked - offset < length ? checked - offset : length;
    if (memcmp(bytes, p->reply + offset, front) != 0) return 0;
  }
  return bytes[length - 1] == p->reply[offset + length - 1] && bytes[length / 2] == p->reply[offset + length / 2];
}
