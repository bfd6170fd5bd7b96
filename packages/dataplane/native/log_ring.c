/* The access-log ring; see log_ring.h. Positions only grow; the offset in the ring is position modulo size. */
#include "log_ring.h"

#include <stdlib.h>
#include <string.h>

bool log_ring_init(struct log_ring *ring, size_t size) {
  memset(ring, 0, sizeof *ring);
  if (size == 0) return true;
  size_t power = 4096;
  while (power < size) power <<= 1;
  ring->bytes = malloc(power);
  ring->size = power;
  return ring->bytes != NULL;
}

bool log_ring_has_room(struct log_ring *ring) {
  if (ring->bytes == NULL) return true;
  uint64_t kept = atomic_load_explicit(&ring->written, memory_order_relaxed) -
                  atomic_load_explicit(&ring->read, memory_order_acquire);
  return ring->size - kept >= LOG_RECORD_MAX;
}

void log_ring_free(struct log_ring *ring) {
  free(ring->bytes);
  ring->bytes = NULL;
}

static void copy_in(struct log_ring *ring, uint64_t at, const char *text, size_t length) {
  size_t offset = at & (ring->size - 1);
  size_t first = ring->size - offset < length ? ring->size - offset : length;
  memcpy(ring->bytes + offset, text, first);
  memcpy(ring->bytes, text + first, length - first);
}

void log_ring_append(struct log_ring *ring, const struct log_part *parts, size_t count) {
  if (ring->bytes == NULL) return;
  size_t total = 0;
  for (size_t i = 0; i < count; i++) total += parts[i].length;
  uint64_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);
  uint64_t read = atomic_load_explicit(&ring->read, memory_order_acquire);
  if (total > ring->size - (size_t)(written - read)) {
    atomic_fetch_add_explicit(&ring->drops, 1, memory_order_relaxed);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    copy_in(ring, written, parts[i].text, parts[i].length);
    written += parts[i].length;
  }
  atomic_store_explicit(&ring->written, written, memory_order_release);
  atomic_fetch_add_explicit(&ring->records, 1, memory_order_relaxed);
}

/* The length of the longest run of whole lines among the first `length` bytes at position `at`. */
static size_t whole_lines(const struct log_ring *ring, uint64_t at, size_t length) {
  while (length > 0 && ring->bytes[(at + length - 1) & (ring->size - 1)] != '\n') length--;
  return length;
}

size_t log_ring_read(struct log_ring *ring, uint8_t *out, size_t capacity) {
  if (ring->bytes == NULL) return 0;
  uint64_t read = atomic_load_explicit(&ring->read, memory_order_relaxed);
  uint64_t written = atomic_load_explicit(&ring->written, memory_order_acquire);
  size_t length = (size_t)(written - read);
  if (length > capacity) length = whole_lines(ring, read, capacity);
  size_t offset = read & (ring->size - 1);
  size_t first = ring->size - offset < length ? ring->size - offset : length;
  memcpy(out, ring->bytes + offset, first);
  memcpy(out + first, ring->bytes, length - first);
  atomic_store_explicit(&ring->read, read + length, memory_order_release);
  return length;
}
