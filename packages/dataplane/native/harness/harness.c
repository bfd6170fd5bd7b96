/* The test frame: runs each test in a child process and reports it; see harness.h. */
#include "harness.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TEST_SECONDS_MAX 60
#define EXIT_FAILED 1
#define EXIT_SKIPPED 77

static struct test *tests;
static int report_fd = -1; /* in the child: where the reason of a failure goes */
static uint64_t seed_used;
static void (*idle_hook)(void *);
static void *idle_argument;

void test_register(struct test *test) {
  struct test **place = &tests;
  while (*place != NULL && strcmp((*place)->name, test->name) < 0) place = &(*place)->next;
  test->next = *place;
  *place = test;
}

static void report(const char *text) {
  if (report_fd < 0 || write(report_fd, text, strlen(text)) < 0) fprintf(stderr, "%s\n", text);
}

void test_fail(const char *file, int line, const char *format, ...) {
  char why[400], text[600];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why, sizeof why, format, arguments);
  va_end(arguments);
  snprintf(text, sizeof text, "%s:%d: %s", file, line, why);
  size_t length = strlen(text);
  if (seed_used != 0) snprintf(text + length, sizeof text - length, " (SEED=%llu)", (unsigned long long)seed_used);
  report(text);
  _exit(EXIT_FAILED);
}

void test_skip(const char *why) {
  report(why);
  _exit(EXIT_SKIPPED);
}

uint64_t harness_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void harness_on_idle(void (*hook)(void *), void *argument) {
  idle_hook = hook;
  idle_argument = argument;
}

void harness_idle(void) {
  if (idle_hook != NULL) {
    idle_hook(idle_argument);
  } else {
    poll(NULL, 0, 1);
  }
}

int harness_descriptors(void) {
  DIR *folder = opendir("/proc/self/fd");
  CHECK(folder != NULL);
  int count = 0;
  while (readdir(folder) != NULL) count++;
  closedir(folder);
  return count - 3; /* ".", ".." and the folder's own */
}

struct prng prng_new(uint64_t seed) { return (struct prng){seed * 0x9e3779b97f4a7c15u + 0x1234567}; }

uint32_t prng_next(struct prng *prng) { /* splitmix64 */
  uint64_t z = prng->state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (uint32_t)(z >> 32);
}

uint32_t prng_range(struct prng *prng, uint32_t low, uint32_t high) { return low + prng_next(prng) % (high - low + 1); }

uint64_t harness_seed(uint64_t fallback) {
  const char *text = getenv("SEED");
  seed_used = text != NULL ? strtoull(text, NULL, 10) : fallback;
  return seed_used;
}

uint64_t harness_seed_set(uint64_t seed) { return seed_used = seed; }

/* The reason why a test failed: its own words, or how its process ended. */
static void describe(int status, char *why, size_t size) {
  if (why[0] != 0) return;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
    snprintf(why, size, "took more than %d s", TEST_SECONDS_MAX);
  } else if (WIFSIGNALED(status)) {
    snprintf(why, size, "%s", strsignal(WTERMSIG(status)));
  } else {
    snprintf(why, size, "exit code %d, see above", WEXITSTATUS(status));
  }
}

static int run_test(const struct test *test, char *why, size_t size) {
  int pipe_fds[2], status = 0;
  if (pipe(pipe_fds) != 0) return EXIT_FAILED;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    close(pipe_fds[0]);
    report_fd = pipe_fds[1];
    alarm(getenv("TEST_SECONDS") != NULL ? (unsigned)atoi(getenv("TEST_SECONDS")) : TEST_SECONDS_MAX);
    test->run();
    exit(0); /* not _exit: leaks are looked for on the way out */
  }
  close(pipe_fds[1]);
  ssize_t length = 0, count;
  while ((count = read(pipe_fds[0], why + length, size - 1 - (size_t)length)) > 0) length += count;
  why[length] = 0;
  close(pipe_fds[0]);
  if (child < 0 || waitpid(child, &status, 0) != child) return EXIT_FAILED;
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
  if (code == 0 || code == EXIT_SKIPPED) return code;
  describe(status, why, size);
  return EXIT_FAILED;
}

static bool is_chosen(const char *name, int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    if (strstr(name, argv[i]) != NULL) return true;
  }
  return argc < 2;
}

int main(int argc, char **argv) {
  unsigned passed = 0, failed = 0, skipped = 0;
  signal(SIGPIPE, SIG_IGN);
  for (const struct test *test = tests; test != NULL; test = test->next) {
    if (!is_chosen(test->name, argc, argv)) continue;
    char why[1000] = "";
    int code = run_test(test, why, sizeof why);
    if (code == 0) {
      passed++;
      printf("ok %s\n", test->name);
    } else if (code == EXIT_SKIPPED) {
      skipped++;
      printf("ok %s # skipped: %s\n", test->name, why);
    } else {
      failed++;
      printf("not ok %s: %s\n", test->name, why);
    }
  }
  printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
  return failed > 0 || passed == 0;
}
