/* See histogram.h. A value below 128 has a slot of its own; above, the top 7 bits after the leading one
 * choose the step inside its power of two. */
#include "histogram.h"

#include <string.h>

static unsigned slot_of(uint64_t value) {
  if (value < HISTOGRAM_STEPS) return (unsigned)value;
  unsigned exponent = 63u - (unsigned)__builtin_clzll(value);
  return (exponent - 6) * HISTOGRAM_STEPS + (unsigned)((value >> (exponent - 7)) & (HISTOGRAM_STEPS - 1));
}

static uint64_t highest_of(unsigned slot) {
  if (slot < HISTOGRAM_STEPS) return slot;
  unsigned exponent = slot / HISTOGRAM_STEPS + 6;
  uint64_t step = slot % HISTOGRAM_STEPS;
  return ((HISTOGRAM_STEPS + step + 1) << (exponent - 7)) - 1;
}

void histogram_reset(struct histogram *h) {
  memset(h, 0, sizeof *h);
}

void histogram_record(struct histogram *h, uint64_t nanoseconds) {
  h->counts[slot_of(nanoseconds)]++;
  h->total++;
  if (nanoseconds > h->max) h->max = nanoseconds;
}

uint64_t histogram_quantile(const struct histogram *h, double quantile) {
  uint64_t wanted = (uint64_t)((double)h->total * quantile + 0.5);
  if (wanted == 0) wanted = 1;
  uint64_t seen = 0;
  for (unsigned slot = 0; slot < HISTOGRAM_SLOTS; slot++) {
    seen += h->counts[slot];
    if (seen >= wanted) {
      uint64_t value = highest_of(slot);
      return value < h->max ? value : h->max;
    }
  }
  return h->max;
}
