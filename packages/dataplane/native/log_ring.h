/*
 * The access-log ring: whole lines, one producer (the thread that drives the engine), one consumer (the primary).
 *
 * Lines become visible only when they are complete, so what a reader sees ends with a line, also when the producer's
 * thread has died. A line that does not fit is dropped and counted; nothing ever waits.
 */
#ifndef SLUICE_LOG_RING_H
#define SLUICE_LOG_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest record: the embedder bounds the fields that it gives. */
#define LOG_RECORD_MAX (16u << 10)

struct log_ring {
  uint8_t *bytes; /* NULL: no access log */
  size_t size;    /* a power of two */
  _Atomic uint64_t written;
  _Atomic uint64_t read;
  _Atomic uint64_t records;
  _Atomic uint64_t drops;
};

struct log_part {
  const char *text;
  size_t length;
};

/* True when another record fits, or there is no access log. */
bool log_ring_has_room(struct log_ring *ring);
bool log_ring_init(struct log_ring *ring, size_t size);
void log_ring_free(struct log_ring *ring);
/* Appends one line, given in parts; the last part brings its newline. */
void log_ring_append(struct log_ring *ring, const struct log_part *parts, size_t count);
/* Copies as many whole lines as fit; returns the bytes copied. */
size_t log_ring_read(struct log_ring *ring, uint8_t *out, size_t capacity);

#endif
