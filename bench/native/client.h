/* What every mode of the load generator shares: its options, the clock, opening a client socket, the browser-like
 * upgrade request and the masked frame that is sent over and over. Nothing here keeps state but `struct pattern`,
 * which one process makes once. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "histogram.h"
#include "stream.h"

struct load_options {
  uint16_t port;
  unsigned connections; /* also: concurrency of churn */
  unsigned sources;     /* source addresses 127.0.0.2 and up, so that ephemeral ports do not run out */
  size_t payload_bytes;
  double seconds, warmup_seconds;
  unsigned rate;  /* messages (rate) or handshakes (churn, 0 = as fast as possible) a second */
  uint64_t total; /* churn: stop after so many instead of after `seconds`; 0 = none */
  int close_frame;
  int tls;
  int resume; /* churn with TLS: come back with the ticket of the connection before */
};

static inline uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Prints what went wrong and ends the process with status 1. */
_Noreturn void give_up(const char *what);

/* Starts a non-blocking connect from source address number `index`; -1 on failure (errno). */
int client_connect(const struct load_options *options, unsigned index);

/* Opens, upgrades and verifies one connection, waiting for each step (10 s). */
struct stream client_open(const struct load_options *options, unsigned index);

/* Waits (10 s) until the stream can be read, or written. */
void client_wait(const struct stream *stream, short events);

/* The 800-byte upgrade request of a browser with a cookie. */
const char *client_head(size_t *length);

/* 1 = a correct 101 of head_bytes, 0 = not complete yet, -1 = wrong. */
int client_check_answer(const char *bytes, size_t length, size_t *head_bytes);

/* The frame every client sends: payload = 8-byte stamp (connection, sequence) and a fixed text, masked. */
struct pattern {
  uint8_t *frame; /* masked, as sent */
  size_t frame_bytes, header_bytes;
  uint8_t *reply; /* unmasked, as expected */
  size_t reply_bytes, reply_header_bytes;
};

void pattern_make(struct pattern *pattern, size_t payload_bytes);

/* Sends the stamped frame from `offset`; bytes sent, 0 when the socket is full, -1 on error. */
ssize_t pattern_send(struct pattern *pattern, struct stream *stream, uint32_t connection, uint32_t sequence, size_t offset);

/* Whether bytes [offset, offset+length) of a reply look right: the header, the stamp and a sample of the text
 * always, every byte when `thorough`. */
int pattern_check(struct pattern *pattern, const uint8_t *bytes, size_t offset, size_t length, uint32_t connection,
                  uint32_t sequence, int thorough);

/* Event lines: the measured part begins, and is over (what is still open ends after that). */
void print_started(void);
void print_stopped(void);
void print_latency(const struct histogram *h);

void run_echo(const struct load_options *options);
void run_rate(const struct load_options *options);
void run_churn(const struct load_options *options);
void run_idle(const struct load_options *options);

#endif
