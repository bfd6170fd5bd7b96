/* See websocket.h. SHA-1 is written out (RFC 3174) so that the programs link against nothing but libc; it is
 * only ever fed the 60 bytes of key and GUID, which is two blocks. */
#include "websocket.h"

#include <string.h>

static uint32_t rotate(uint32_t value, unsigned bits) {
  return value << bits | value >> (32 - bits);
}

static void sha1_block(uint32_t state[5], const uint8_t block[64]) {
  uint32_t w[80];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
           block[4 * i + 3];
  for (int i = 16; i < 80; i++) w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  for (int i = 0; i < 80; i++) {
    uint32_t f, k;
    if (i < 20) f = (b & c) | (~b & d), k = 0x5a827999;
    else if (i < 40) f = b ^ c ^ d, k = 0x6ed9eba1;
    else if (i < 60) f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
    else f = b ^ c ^ d, k = 0xca62c1d6;
    uint32_t next = rotate(a, 5) + f + e + k + w[i];
    e = d, d = c, c = rotate(b, 30), b = a, a = next;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

static void base64_20(const uint8_t in[20], char out[WEBSOCKET_ACCEPT_BYTES + 1]) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint8_t padded[21] = {0};
  memcpy(padded, in, 20);
  for (int i = 0; i < 7; i++) {
    uint32_t group = (uint32_t)padded[3 * i] << 16 | (uint32_t)padded[3 * i + 1] << 8 | padded[3 * i + 2];
    for (int j = 0; j < 4; j++) out[4 * i + j] = alphabet[group >> (18 - 6 * j) & 63];
  }
  out[27] = '=';
  out[28] = '\0';
}

void websocket_accept(const char key[WEBSOCKET_KEY_BYTES], char accept[WEBSOCKET_ACCEPT_BYTES + 1]) {
  static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  uint8_t message[128] = {0};
  memcpy(message, key, WEBSOCKET_KEY_BYTES);
  memcpy(message + WEBSOCKET_KEY_BYTES, guid, 36);
  message[60] = 0x80;
  message[126] = 480 >> 8;
  message[127] = 480 & 0xff;
  uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  sha1_block(state, message);
  sha1_block(state, message + 64);
  uint8_t digest[20];
  for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
  base64_20(digest, accept);
}

int frame_parse(const uint8_t *bytes, size_t length, struct frame_header *header) {
  if (length < 2) return 0;
  header->first = bytes[0];
  header->masked = bytes[1] >> 7;
  header->payload_bytes = bytes[1] & 0x7f;
  size_t extended = header->payload_bytes == 126 ? 2 : header->payload_bytes == 127 ? 8 : 0;
  header->header_bytes = 2 + extended + (header->masked ? 4 : 0);
  if (length < header->header_bytes) return 0;
  if (extended) {
    header->payload_bytes = 0;
    for (size_t i = 0; i < extended; i++) header->payload_bytes = header->payload_bytes << 8 | bytes[2 + i];
  }
  if (header->masked) memcpy(header->mask, bytes + 2 + extended, 4);
  return 1;
}

size_t frame_write_header(uint8_t *out, uint8_t opcode, uint64_t payload_bytes, const uint8_t *mask) {
  size_t extended = payload_bytes < 126 ? 0 : payload_bytes < 65536 ? 2 : 8;
  out[0] = (uint8_t)(0x80 | opcode);
  out[1] = (uint8_t)(extended == 0 ? payload_bytes : extended == 2 ? 126 : 127);
  for (size_t i = 0; i < extended; i++) out[2 + i] = (uint8_t)(payload_bytes >> (8 * (extended - 1 - i)));
  if (mask == NULL) return 2 + extended;
  out[1] |= 0x80;
  memcpy(out + 2 + extended, mask, 4);
  return 6 + extended;
}

void frame_mask(uint8_t *bytes, size_t length, const uint8_t mask[4], size_t offset) {
  uint8_t turned[8];
  for (size_t i = 0; i < 8; i++) turned[i] = mask[(offset + i) & 3];
  uint64_t wide;
  memcpy(&wide, turned, 8);
  size_t i = 0;
  for (; i + 8 <= length; i += 8) {
    uint64_t word;
    memcpy(&word, bytes + i, 8);
    word ^= wide;
    memcpy(bytes + i, &word, 8);
  }
  for (; i < length; i++) bytes[i] ^= turned[i & 7];
}
