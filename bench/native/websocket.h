/* The pieces of RFC 6455 that both benchmark programs need: the accept value of the handshake (section 4.2.2),
 * frame headers (section 5.2) and masking (section 5.3). Pure functions over memory, no sockets. */
#ifndef BENCH_WEBSOCKET_H
#define BENCH_WEBSOCKET_H
#include <stddef.h>
#include <stdint.h>

enum {
  OPCODE_BINARY = 0x2,
  OPCODE_CLOSE = 0x8,
  OPCODE_PING = 0x9,
  OPCODE_PONG = 0xa,
  WEBSOCKET_KEY_BYTES = 24,
  WEBSOCKET_ACCEPT_BYTES = 28,
  FRAME_HEADER_MAX = 14,
};

/* Writes the 28 characters of Sec-WebSocket-Accept and a NUL. */
void websocket_accept(const char key[WEBSOCKET_KEY_BYTES], char accept[WEBSOCKET_ACCEPT_BYTES + 1]);

struct frame_header {
  uint8_t first; /* FIN, RSV and opcode as they came */
  int masked;
  uint8_t mask[4];
  size_t header_bytes;
  uint64_t payload_bytes;
};

/* 1 when the header is complete, 0 when more bytes are needed. */
int frame_parse(const uint8_t *bytes, size_t length, struct frame_header *header);

/* Writes a header with FIN set and the shortest length form; returns its size (2..14). mask may be NULL. */
size_t frame_write_header(uint8_t *out, uint8_t opcode, uint64_t payload_bytes, const uint8_t *mask);

/* XORs with the mask, eight bytes at a time; `offset` is the position of bytes[0] in the payload. */
void frame_mask(uint8_t *bytes, size_t length, const uint8_t mask[4], size_t offset);

#endif
