/* Log-linear latency histogram (the idea of HdrHistogram): 128 steps per power of two, so a recorded
 * value is known within 0.8 %, from 1 ns to centuries, in a fixed 58 KiB. Single-threaded. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H
#include <stdint.h>

enum { HISTOGRAM_STEPS = 128, HISTOGRAM_SLOTS = HISTOGRAM_STEPS * 58 };

struct histogram {
  uint64_t counts[HISTOGRAM_SLOTS];
  uint64_t total;
  uint64_t max;
};

void histogram_reset(struct histogram *h);
void histogram_record(struct histogram *h, uint64_t nanoseconds);

/* The smallest recorded step that at least `quantile` (0..1) of the values do not exceed; ns. 0 when empty. */
uint64_t histogram_quantile(const struct histogram *h, double quantile);

#endif
