/* The chunked scanner; see chunked.h. One state per place in the grammar, one byte at a time but for chunk data. */
#include "chunked.h"

enum { SIZE, EXTENSION, SIZE_LF, DATA, DATA_CR, DATA_LF, TRAILER, TRAILER_FIELD, TRAILER_FIELD_LF, END_LF };

static int hex_digit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  uint8_t lower = byte | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static int on_size(struct chunked *scan, uint8_t byte) {
  int digit = hex_digit(byte);
  if (digit >= 0) {
    if (++scan->digits > 15) return -1;
    scan->left = scan->left * 16 + (uint64_t)digit;
    return SIZE;
  }
  if (scan->digits == 0) return -1;
  if (byte == '\r') return SIZE_LF;
  return byte == ';' || byte == ' ' || byte == '\t' ? EXTENSION : -1;
}

static int line(uint8_t byte, int stay, int end) {
  if (byte == '\r') return end;
  return byte == '\n' ? -1 : stay;
}

static int after_size(struct chunked *scan, uint8_t byte) {
  if (byte != '\n') return -1;
  scan->digits = 0;
  return scan->left == 0 ? TRAILER : DATA;
}

/* The state after one byte outside chunk data, -1 when the byte is wrong there. */
static int step(struct chunked *scan, uint8_t byte) {
  switch (scan->state) {
    case SIZE: return on_size(scan, byte);
    case EXTENSION: return line(byte, EXTENSION, SIZE_LF);
    case SIZE_LF: return after_size(scan, byte);
    case DATA_CR: return byte == '\r' ? DATA_LF : -1;
    case DATA_LF: return byte == '\n' ? SIZE : -1;
    case TRAILER: return line(byte, TRAILER_FIELD, END_LF);
    case TRAILER_FIELD: return line(byte, TRAILER_FIELD, TRAILER_FIELD_LF);
    case TRAILER_FIELD_LF: return byte == '\n' ? TRAILER : -1;
    default: return -1;
  }
}

enum chunked_status chunked_scan(struct chunked *scan, const uint8_t *bytes, size_t length, size_t *used) {
  size_t at = 0;
  while (at < length) {
    if (scan->state == DATA) {
      uint64_t rest = length - at;
      uint64_t take = rest < scan->left ? rest : scan->left;
      scan->left -= take;
      at += (size_t)take;
      if (scan->left == 0) scan->state = DATA_CR;
      continue;
    }
    uint8_t byte = bytes[at++];
    if (scan->state == END_LF) {
      *used = at;
      return byte == '\n' ? CHUNKED_END : CHUNKED_ERROR;
    }
    int next = step(scan, byte);
    if (next < 0) {
      *used = at;
      return CHUNKED_ERROR;
    }
    scan->state = (uint8_t)next;
  }
  *used = at;
  return CHUNKED_MORE;
}
