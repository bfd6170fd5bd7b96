/* The access-log ring: whole lines in order, whatever the positions, sizes and threads. */
#include "../log_ring.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"

static void append(struct log_ring *ring, const char *text, size_t length) {
  struct log_part parts[] = {{text, length / 3}, {text + length / 3, length - length / 3}};
  log_ring_append(ring, parts, 2);
}

TEST(log_ring_of_no_size_takes_nothing) {
  struct log_ring ring;
  uint8_t out[16];
  CHECK(log_ring_init(&ring, 0));
  append(&ring, "line\n", 5);
  CHECK_EQ(log_ring_read(&ring, out, sizeof out), 0);
  CHECK_EQ(ring.drops, 0);
}

TEST(log_ring_wraps_around) {
  struct log_ring ring;
  CHECK(log_ring_init(&ring, 1));
  char line[512];
  uint8_t out[4096];
  for (int i = 0; i < 5000; i++) {
    int length = snprintf(line, sizeof line, "%d %0*d\n", i, 1 + i % 97, 0);
    append(&ring, line, (size_t)length);
    size_t got = log_ring_read(&ring, out, sizeof out);
    CHECK_EQ(got, length);
    CHECK(memcmp(out, line, got) == 0);
  }
  CHECK_EQ(ring.records, 5000);
  log_ring_free(&ring);
}

TEST(log_ring_exact_fit_and_overflow) {
  struct log_ring ring;
  CHECK(log_ring_init(&ring, 4096));
  static char line[4096];
  static uint8_t out[4096];
  memset(line, 'x', sizeof line);
  line[4095] = '\n';
  for (int round = 0; round < 3; round++) {
    append(&ring, line, 4096);
    append(&ring, "\n", 1); /* not even one byte more */
    CHECK_EQ(ring.drops, round + 1);
    CHECK_EQ(log_ring_read(&ring, out, sizeof out), 4096);
    CHECK(memcmp(out, line, 4096) == 0);
    append(&ring, "a\n", 2);
    CHECK_EQ(log_ring_read(&ring, out, sizeof out), 2);
  }
  CHECK_EQ(ring.records, 6);
  log_ring_free(&ring);
}

TEST(log_ring_small_reader_gets_whole_lines) {
  struct log_ring ring;
  uint8_t out[12];
  CHECK(log_ring_init(&ring, 4096));
  append(&ring, "first\n", 6);
  append(&ring, "second\n", 7);
  append(&ring, "a line that is longer than the reader\n", 38);
  CHECK_EQ(log_ring_read(&ring, out, sizeof out), 6);
  CHECK(memcmp(out, "first\n", 6) == 0);
  CHECK_EQ(log_ring_read(&ring, out, sizeof out), 7);
  CHECK_EQ(log_ring_read(&ring, out, sizeof out), 0); /* no half line */
  log_ring_free(&ring);
}

#define LINES 200000u

static void *produce(void *argument) {
  struct log_ring *ring = argument;
  for (unsigned i = 0; i < LINES; i++) {
    char line[80];
    static const char filler[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
    int length = snprintf(line, sizeof line, "%u:%.*s|\n", i, (int)(i * 7919 % 50), filler);
    append(ring, line, (size_t)length);
  }
  return NULL;
}

static unsigned check_lines(const char *bytes, size_t length, long *last) {
  unsigned lines = 0;
  const char *at = bytes, *end = bytes + length;
  while (at < end) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    CHECK(newline != NULL && newline[-1] == '|');
    unsigned number = 0;
    CHECK(sscanf(at, "%u:", &number) == 1);
    CHECK((long)number > *last);
    const char *colon = memchr(at, ':', 12);
    CHECK(colon != NULL);
    CHECK_EQ(newline - colon - 2, number * 7919 % 50);
    *last = number;
    lines++;
    at = newline + 1;
  }
  return lines;
}

TEST(log_ring_between_two_threads) {
  struct log_ring ring;
  static char out[1500];
  pthread_t producer;
  CHECK(log_ring_init(&ring, 1 << 14));
  CHECK(pthread_create(&producer, NULL, produce, &ring) == 0);
  unsigned seen = 0;
  long last = -1;
  while (seen + atomic_load(&ring.drops) < LINES) {
    seen += check_lines(out, log_ring_read(&ring, (uint8_t *)out, sizeof out), &last);
  }
  pthread_join(producer, NULL);
  CHECK_EQ(seen, atomic_load(&ring.records));
  CHECK_EQ(log_ring_read(&ring, (uint8_t *)out, sizeof out), 0);
  log_ring_free(&ring);
}
