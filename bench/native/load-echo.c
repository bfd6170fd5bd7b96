/* Closed loop: N connections with one message in flight each. Latency is from the send to the last byte of the echo.
 * The throughput of a proxy under it is the proxy's own, as long as this loop is faster straight to the backend. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "client.h"

enum { READ_BYTES = 256 * 1024, EVENTS_PER_TURN = 256, THOROUGH_EVERY = 1024 };

struct connection {
  struct stream stream;
  uint32_t id, sequence;
  size_t sent, received;
  uint64_t sent_at;
  int wants_out;
};

struct echo_run {
  int epoll;
  struct pattern pattern;
  struct histogram latency;
  uint64_t round_trips;
  uint8_t *scratch;
};

static void watch(struct echo_run *run, struct connection *c, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  if (epoll_ctl(run->epoll, operation, c->stream.fd, &event)) give_up("epoll_ctl");
  c->wants_out = (events & EPOLLOUT) != 0;
}

static void send_rest(struct echo_run *run, struct connection *c) {
  ssize_t sent = 0;
  int flushed = stream_flush(&c->stream);
  if (flushed == 1 && c->sent < run->pattern.frame_bytes) {
    sent = pattern_send(&run->pattern, &c->stream, c->id, c->sequence, c->sent);
    flushed = stream_flush(&c->stream);
  }
  if (sent < 0 || flushed < 0) give_up("sending a message");
  c->sent += (size_t)sent;
  int wants_out = c->sent < run->pattern.frame_bytes || flushed == 0;
  if (wants_out != c->wants_out) watch(run, c, EPOLL_CTL_MOD, wants_out ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void send_next(struct echo_run *run, struct connection *c, uint64_t now) {
  c->sequence++;
  c->sent = c->received = 0;
  c->sent_at = now;
  send_rest(run, c);
}

static void receive(struct echo_run *run, struct connection *c) {
  ssize_t got = stream_receive(&c->stream, run->scratch, READ_BYTES);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) give_up("the connection ended while an echo was due");
  errno = EPROTO;
  if (!pattern_check(&run->pattern, run->scratch, c->received, (size_t)got, c->id, c->sequence,
                     c->sequence % THOROUGH_EVERY == 1))
    give_up("the echo differs from what was sent");
  c->received += (size_t)got;
  if (c->received < run->pattern.reply_bytes) return;
  uint64_t now = now_ns();
  histogram_record(&run->latency, now - c->sent_at);
  run->round_trips++;
  send_next(run, c, now);
}

/* Runs the loop until the deadline; the time that really passed, ns. */
static uint64_t spin(struct echo_run *run, double seconds) {
  struct epoll_event events[EVENTS_PER_TURN];
  uint64_t start = now_ns(), now = start, deadline = start + (uint64_t)(seconds * 1e9);
  while (now < deadline) {
    int count = epoll_wait(run->epoll, events, EVENTS_PER_TURN, 1000);
    if (count < 0 && errno != EINTR) give_up("epoll_wait");
    errno = ETIMEDOUT;
    if (count == 0) give_up("no echo for a second");
    for (int i = 0; i < count; i++) {
      struct connection *c = events[i].data.ptr;
      if (events[i].events & EPOLLOUT) send_rest(run, c);
      if (events[i].events & ~(uint32_t)EPOLLOUT) receive(run, c);
    }
    now = now_ns();
  }
  return now - start;
}

void run_echo(const struct load_options *options) {
  struct echo_run *run = calloc(1, sizeof *run);
  struct connection *connections = calloc(options->connections, sizeof *connections);
  if (run == NULL || connections == NULL || (run->scratch = malloc(READ_BYTES)) == NULL) give_up("memory");
  run->epoll = epoll_create1(EPOLL_CLOEXEC);
  pattern_make(&run->pattern, options->payload_bytes);
  for (unsigned i = 0; i < options->connections; i++) {
    connections[i].id = i;
    connections[i].stream = client_open(options, i);
    watch(run, &connections[i], EPOLL_CTL_ADD, EPOLLIN);
  }
  for (unsigned i = 0; i < options->connections; i++) send_next(run, &connections[i], now_ns());
  spin(run, options->warmup_seconds);
  histogram_reset(&run->latency);
  run->round_trips = 0;
  print_started();
  double seconds = (double)spin(run, options->seconds) / 1e9;
  print_stopped();
  printf("{\"event\":\"done\",\"operations\":%llu,\"seconds\":%.4f,\"perSecond\":%.1f,\"errors\":0,",
         (unsigned long long)run->round_trips, seconds, (double)run->round_trips / seconds);
  print_latency(&run->latency);
  printf("}\n");
}
