/* Load generator of the benchmark: a single-threaded epoll client in four modes (echo, rate, churn, idle), one file a
 * mode. Prints {"event":"started"} and {"event":"stopped"} around the measured part, so that the runner can read the
 * target's CPU time at both moments, then one JSON result line. Any wrong byte ends it with status 1. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "client.h"

static const struct {
  const char *name;
  void (*run)(const struct load_options *);
} modes[] = {{"echo", run_echo}, {"rate", run_rate}, {"churn", run_churn}, {"idle", run_idle}};

static _Noreturn void usage(void) {
  fputs(
      "usage: load echo|rate|churn|idle --port P [--connections 50] [--size 64] [--seconds 2] [--warmup 0.5]\n"
      "            [--rate 10000] [--total 0] [--sources 16] [--close fin|frame] [--tls 1.3|1.2] [--resume 0|1]\n",
      stderr);
  exit(2);
}

static double number(const char *text, double min, double max) {
  char *end;
  double value = strtod(text, &end);
  if (*text == '\0' || *end != '\0' || !(value >= min && value <= max)) usage();
  return value;
}

static void set_option(struct load_options *o, const char *name, const char *value) {
  if (strcmp(name, "--port") == 0) o->port = (uint16_t)number(value, 1, 65535);
  else if (strcmp(name, "--connections") == 0) o->connections = (unsigned)number(value, 1, 100000);
  else if (strcmp(name, "--size") == 0) o->payload_bytes = (size_t)number(value, 8, 1024 * 1024);
  else if (strcmp(name, "--seconds") == 0) o->seconds = number(value, 0.05, 3600);
  else if (strcmp(name, "--warmup") == 0) o->warmup_seconds = number(value, 0, 600);
  else if (strcmp(name, "--rate") == 0) o->rate = (unsigned)number(value, 0, 10000000);
  else if (strcmp(name, "--total") == 0) o->total = (uint64_t)number(value, 0, 1e12);
  else if (strcmp(name, "--sources") == 0) o->sources = (unsigned)number(value, 1, 200);
  else if (strcmp(name, "--close") == 0 && strcmp(value, "frame") == 0) o->close_frame = 1;
  else if (strcmp(name, "--close") == 0 && strcmp(value, "fin") == 0) o->close_frame = 0;
  else if (strcmp(name, "--tls") == 0 && (strcmp(value, "1.2") == 0 || strcmp(value, "1.3") == 0)) {
    o->tls = 1;
    stream_offer(value);
  } else if (strcmp(name, "--resume") == 0) o->resume = (int)number(value, 0, 1);
  else usage();
}

static void prepare_process(void) {
  /* Ends with the runner, even when the runner was killed. */
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  signal(SIGPIPE, SIG_IGN);
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

int main(int argc, char **argv) {
  if (argc < 2 || argc % 2 != 0) usage();
  struct load_options options = {
      .connections = 50, .sources = 16, .payload_bytes = 64, .seconds = 2, .warmup_seconds = 0.5};
  if (strcmp(argv[1], "rate") == 0) options.rate = 10000;
  for (int i = 2; i < argc; i += 2) set_option(&options, argv[i], argv[i + 1]);
  if (options.port == 0 || (strcmp(argv[1], "rate") == 0 && options.rate == 0)) usage();
  prepare_process();
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    if (strcmp(argv[1], modes[i].name) != 0) continue;
    modes[i].run(&options);
    return 0;
  }
  usage();
}
