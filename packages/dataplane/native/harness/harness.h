/*
 * The harness's own test frame: a registry, checks with messages, waiting with a deadline.
 *
 * Every test runs in a child process of its own: the acceptor and the registry are process-wide, a crash or a leak is
 * one test's failure, and descriptors can be counted. Tests never sleep for an order of things: they wait for what they
 * expect, and harness_idle is what happens meanwhile (a turn of the engine when the test drives it itself).
 */
#ifndef SLUICE_HARNESS_H
#define SLUICE_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test {
  const char *name;
  void (*run)(void);
  struct test *next;
};

void test_register(struct test *test);

#define TEST(title)                                                                                                    \
  static void test_##title(void);                                                                                      \
  static struct test entry_##title = {#title, test_##title, NULL};                                                     \
  __attribute__((constructor)) static void register_##title(void) { test_register(&entry_##title); }                   \
  static void test_##title(void)

/* Ends the test as failed. */
void test_fail(const char *file, int line, const char *format, ...) __attribute__((noreturn, format(printf, 3, 4)));
/* Ends the test as skipped: this machine cannot run it. */
void test_skip(const char *why) __attribute__((noreturn));

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) test_fail(__FILE__, __LINE__, "%s", #condition);                                                 \
  } while (0)

#define CHECK_EQ(actual, expected)                                                                                     \
  do {                                                                                                                 \
    long long actual_ = (long long)(actual), expected_ = (long long)(expected);                                        \
    if (actual_ != expected_) {                                                                                        \
      test_fail(__FILE__, __LINE__, "%s is %lld, not %s (%lld)", #actual, actual_, #expected, expected_);              \
    }                                                                                                                  \
  } while (0)

/* Waits until the condition holds; fails after the deadline. */
#define EVENTUALLY(condition)                                                                                          \
  do {                                                                                                                 \
    uint64_t deadline_ = harness_now_ms() + EVENTUALLY_MS;                                                             \
    while (!(condition)) {                                                                                             \
      if (harness_now_ms() > deadline_) test_fail(__FILE__, __LINE__, "never: %s", #condition);                        \
      harness_idle();                                                                                                  \
    }                                                                                                                  \
  } while (0)

#define EVENTUALLY_MS 8000

uint64_t harness_now_ms(void);
/* What to do while a test waits; without a hook, a millisecond passes. */
void harness_on_idle(void (*hook)(void *), void *argument);
void harness_idle(void);
/* Open descriptors of this process. */
int harness_descriptors(void);

/* A seeded generator: the same numbers everywhere. */
struct prng {
  uint64_t state;
};
struct prng prng_new(uint64_t seed);
uint32_t prng_next(struct prng *prng);
/* In [low, high]. */
uint32_t prng_range(struct prng *prng, uint32_t low, uint32_t high);
/* SEED from the environment, else the given one; printed when the test fails. */
uint64_t harness_seed(uint64_t fallback);
/* The seed of what follows, named when the test fails. */
uint64_t harness_seed_set(uint64_t seed);

#endif
