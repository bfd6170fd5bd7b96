/* Open loop: a fixed number of messages a second, spread evenly over the connections. Message k is due at
 * start + k/rate whether or not earlier echoes came back, and its latency counts from that moment, so a stall of the
 * proxy shows in every message it held up (no coordinated omission). */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#include "client.h"

enum { READ_BYTES = 64 * 1024, EVENTS_PER_TURN = 256 };

struct connection {
  struct stream stream;
  uint32_t id;
  uint32_t echoed; /* whole replies so far */
  size_t received; /* of the reply that is coming in */
};

struct rate_run {
  int epoll;
  const struct load_options *options;
  struct pattern pattern;
  struct histogram latency;
  struct connection *connections;
  uint8_t *scratch;
  uint64_t start, measure_from; /* ns */
  uint64_t sent, echoed, measured;
};

static uint64_t due(const struct rate_run *run, uint64_t message) {
  return run->start + message * 1000000000u / run->options->rate;
}

static void send_due(struct rate_run *run, uint64_t now) {
  for (; due(run, run->sent) <= now; run->sent++) {
    struct connection *c = &run->connections[run->sent % run->options->connections];
    uint32_t sequence = (uint32_t)(run->sent / run->options->connections);
    ssize_t sent = pattern_send(&run->pattern, &c->stream, c->id, sequence, 0);
    errno = sent < 0 ? errno : EAGAIN;
    /* Small messages: a socket buffer that is full means that the target fell behind by thousands. */
    if (sent != (ssize_t)run->pattern.frame_bytes) give_up("the target cannot follow the rate");
  }
}

static void receive(struct rate_run *run, struct connection *c) {
  ssize_t got = stream_receive(&c->stream, run->scratch, READ_BYTES);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) give_up("the connection ended while an echo was due");
  uint64_t now = now_ns();
  errno = EPROTO;
  for (size_t used = 0; used < (size_t)got;) {
    size_t rest = (size_t)got - used, missing = run->pattern.reply_bytes - c->received;
    size_t part = rest < missing ? rest : missing;
    if (!pattern_check(&run->pattern, run->scratch + used, c->received, part, c->id, c->echoed, 0))
      give_up("the echo differs from what was sent");
    used += part;
    c->received += part;
    if (c->received < run->pattern.reply_bytes) break;
    uint64_t intended = due(run, (uint64_t)c->echoed * run->options->connections + c->id);
    if (intended >= run->measure_from) {
      histogram_record(&run->latency, now - intended);
      run->measured++;
    }
    c->echoed++;
    c->received = 0;
    run->echoed++;
  }
}

static void spin(struct rate_run *run, uint64_t deadline) {
  struct epoll_event events[EVENTS_PER_TURN];
  for (;;) {
    uint64_t now = now_ns();
    if (now >= deadline) return;
    send_due(run, now);
    uint64_t next = due(run, run->sent), wait = next > now_ns() ? next - now_ns() : 0;
    if (wait > 1000000000u) wait = 0;
    struct timespec timeout = {.tv_nsec = (long)wait};
    int count = epoll_pwait2(run->epoll, events, EVENTS_PER_TURN, &timeout, NULL);
    if (count < 0 && errno != EINTR) give_up("epoll_pwait2");
    for (int i = 0; i < count; i++) receive(run, events[i].data.ptr);
  }
}

void run_rate(const struct load_options *options) {
  struct rate_run *run = calloc(1, sizeof *run);
  if (run == NULL || (run->scratch = malloc(READ_BYTES)) == NULL) give_up("memory");
  run->connections = calloc(options->connections, sizeof *run->connections);
  if (run->connections == NULL) give_up("memory");
  prctl(PR_SET_TIMERSLACK, 1);
  run->options = options;
  run->epoll = epoll_create1(EPOLL_CLOEXEC);
  pattern_make(&run->pattern, options->payload_bytes);
  for (unsigned i = 0; i < options->connections; i++) {
    struct connection *c = &run->connections[i];
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    *c = (struct connection){.stream = client_open(options, i), .id = i};
    if (epoll_ctl(run->epoll, EPOLL_CTL_ADD, c->stream.fd, &event)) give_up("epoll_ctl");
  }
  run->start = now_ns();
  run->measure_from = run->start + (uint64_t)(options->warmup_seconds * 1e9);
  spin(run, run->measure_from);
  uint64_t sent_before = run->sent;
  print_started();
  spin(run, run->measure_from + (uint64_t)(options->seconds * 1e9));
  print_stopped();
  uint64_t operations = run->sent - sent_before;
  printf("{\"event\":\"done\",\"operations\":%llu,\"seconds\":%.4f,\"perSecond\":%.1f,\"errors\":0,\"late\":%llu,",
         (unsigned long long)operations, options->seconds, (double)operations / options->seconds,
         (unsigned long long)(run->sent - run->echoed));
  print_latency(&run->latency);
  printf("}\n");
}
