/* Connections that come and go: connect, upgrade (101 and accept verified), one echo, close; at a concurrency, as fast
 * as possible or at a fixed rate. It ends with the client's FIN and the server's (--close fin), or as RFC 6455 section 7.1.1
 * describes (--close frame): a close frame, the server's close frame, the server's FIN, then ours.
 * A connection that fails in any way is counted, never as a success; latency is connect to end of stream. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "client.h"
#include "websocket.h"

enum { ANSWER_BYTES = 4096, EVENTS_PER_TURN = 256 };
enum step { FREE, CONNECTING, SECURING, UPGRADING, ECHOING, ENDING };

struct connection {
  struct stream stream;
  struct ssl_session_st *session; /* of the connection before */
  int resumes;
  enum step step;
  uint32_t id;
  size_t have;
  uint64_t started_at;
  uint8_t bytes[ANSWER_BYTES];
};

struct churn_run {
  int epoll;
  const struct load_options *options;
  struct pattern pattern;
  struct histogram latency;
  struct connection *connections;
  uint64_t started, finished, resumed, errors;
  uint64_t start; /* ns; the schedule of a fixed rate counts from here */
};

static void release(struct churn_run *run, struct connection *c, int error) {
  stream_close(&c->stream);
  c->step = FREE;
  if (error) run->errors++;
  else histogram_record(&run->latency, now_ns() - c->started_at);
  run->finished += !error;
}

static void begin(struct churn_run *run, struct connection *c) {
  c->id = (uint32_t)run->started++;
  c->have = 0;
  c->step = CONNECTING;
  c->started_at = now_ns();
  c->stream.fd = client_connect(run->options, c->id);
  if (c->stream.fd < 0) give_up("connect");
  if (run->options->tls) {
    c->resumes = c->session != NULL;
    stream_secure(&c->stream, run->options->resume ? &c->session : NULL);
  }
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
  if (epoll_ctl(run->epoll, EPOLL_CTL_ADD, c->stream.fd, &event)) give_up("epoll_ctl");
}

static int end_stream(struct churn_run *run, struct connection *c) {
  static const uint8_t close_frame[] = {0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8};
  c->have = 0;
  c->step = ENDING;
  if (!run->options->close_frame) return stream_shut(&c->stream);
  return stream_send(&c->stream, close_frame, sizeof close_frame) == (ssize_t)sizeof close_frame ? 0 : -1;
}

/* 0 = go on, -1 = the connection misbehaved. */
static int judge(struct churn_run *run, struct connection *c) {
  if (c->step == UPGRADING) {
    size_t head_bytes = 0;
    int verdict = client_check_answer((char *)c->bytes, c->have, &head_bytes);
    if (verdict <= 0) return verdict;
    if (head_bytes != c->have) return -1;
    c->have = 0;
    c->step = ECHOING;
    return pattern_send(&run->pattern, &c->stream, c->id, 0, 0) == (ssize_t)run->pattern.frame_bytes ? 0 : -1;
  }
  if (c->step == ECHOING) {
    if (c->have < run->pattern.reply_bytes) return 0;
    if (!pattern_check(&run->pattern, c->bytes, 0, c->have, c->id, 0, 1)) return -1;
    return end_stream(run, c);
  }
  return 0;
}

static int ended_well(const struct churn_run *run, const struct connection *c) {
  if (c->step != ENDING) return 0;
  return run->options->close_frame ? c->have >= 2 && c->bytes[0] == 0x88 : c->have == 0;
}

/* 1 = secure, and as resumed as was asked for; 0 = not complete yet; -1 = failed. */
static int secure(struct churn_run *run, struct connection *c) {
  int done = stream_handshake(&c->stream);
  if (done != 1 || c->stream.ssl == NULL) return done;
  int resumed = stream_resumed(&c->stream);
  run->resumed += (uint64_t)resumed;
  return resumed == c->resumes ? 1 : -1;
}

static void turn(struct churn_run *run, struct connection *c) {
  if (c->step == CONNECTING) c->step = SECURING;
  if (c->step == SECURING) {
    size_t length;
    const char *head = client_head(&length);
    int done = secure(run, c);
    if (done == 0) return;
    if (done < 0 || stream_send(&c->stream, head, length) != (ssize_t)length) return release(run, c, 1);
    c->step = UPGRADING;
    if (c->stream.ssl == NULL) return;
  }
  for (;;) {
    ssize_t got = stream_receive(&c->stream, c->bytes + c->have, sizeof c->bytes - c->have);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return release(run, c, got < 0 || !ended_well(run, c));
    c->have += (size_t)got;
    if (judge(run, c) < 0) return release(run, c, 1);
  }
}

static void begin_due(struct churn_run *run) {
  const struct load_options *o = run->options;
  for (unsigned i = 0; i < o->connections; i++) {
    if (run->connections[i].step != FREE) continue;
    if (o->rate && run->start + run->started * 1000000000u / o->rate > now_ns()) return;
    begin(run, &run->connections[i]);
  }
}

static void turn_all(struct churn_run *run, int timeout_ms) {
  struct epoll_event events[EVENTS_PER_TURN];
  int count = epoll_wait(run->epoll, events, EVENTS_PER_TURN, timeout_ms);
  if (count < 0 && errno != EINTR) give_up("epoll_wait");
  for (int i = 0; i < count; i++) turn(run, events[i].data.ptr);
}

/* Runs until the deadline, or until `total` have ended; the time that really passed, ns. */
static uint64_t spin(struct churn_run *run, double seconds, uint64_t total) {
  uint64_t start = now_ns(), now = start, deadline = start + (uint64_t)(seconds * 1e9);
  while (now < deadline && (total == 0 || run->finished + run->errors < total)) {
    begin_due(run);
    turn_all(run, run->options->rate ? 1 : 100);
    now = now_ns();
  }
  return now - start;
}

/* Lets the open connections end, two seconds at most; what is still open then counts as an error. */
static void drain(struct churn_run *run) {
  uint64_t deadline = now_ns() + 2000000000u;
  for (unsigned i = 0; i < run->options->connections; i++) {
    struct connection *c = &run->connections[i];
    while (c->step != FREE && now_ns() < deadline) turn_all(run, 100);
    if (c->step != FREE) release(run, c, 1);
  }
}

void run_churn(const struct load_options *options) {
  struct churn_run *run = calloc(1, sizeof *run);
  if (run == NULL) give_up("memory");
  run->connections = calloc(options->connections, sizeof *run->connections);
  run->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (run->connections == NULL || run->epoll < 0) give_up("memory");
  run->options = options;
  pattern_make(&run->pattern, 64);
  run->start = now_ns();
  spin(run, options->warmup_seconds, 0);
  histogram_reset(&run->latency);
  run->finished = run->resumed = run->errors = 0;
  print_started();
  double seconds = (double)spin(run, options->total ? 3600 : options->seconds, options->total) / 1e9;
  print_stopped();
  uint64_t finished = run->finished;
  drain(run);
  printf("{\"event\":\"done\",\"operations\":%llu,\"seconds\":%.4f,\"perSecond\":%.1f,", (unsigned long long)finished,
         seconds, (double)finished / seconds);
  print_latency(&run->latency);
  printf(",\"resumed\":%llu,\"errors\":%llu}\n", (unsigned long long)run->resumed, (unsigned long long)run->errors);
}
