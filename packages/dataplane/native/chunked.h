/*
 * Finds the end of a chunked message body (RFC 9112, 7.1) without keeping a byte of it.
 *
 * The engine looks at a relayed answer only to know when it is complete; strict, so that it never disagrees with a
 * peer about where that is: bare LF, signs, spaces before the size and sizes over 2^60 are errors.
 */
#ifndef SLUICE_CHUNKED_H
#define SLUICE_CHUNKED_H

#include <stddef.h>
#include <stdint.h>

struct chunked {
  uint64_t left; /* of the current chunk; the size while it is being read */
  uint8_t state;
  uint8_t digits;
};

enum chunked_status { CHUNKED_MORE, CHUNKED_END, CHUNKED_ERROR };

/* Reads on; `*used` is how many of the bytes belong to the body (all of them unless it ended). */
enum chunked_status chunked_scan(struct chunked *scan, const uint8_t *bytes, size_t length, size_t *used);

#endif
