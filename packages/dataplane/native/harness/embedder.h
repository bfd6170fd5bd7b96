/*
 * What a worker is to an engine, in C: it polls the engine, delivers its events, decides, rests.
 *
 * Driven step by step by the test (embedder_step: everything in one thread, every order of things can be made), or by a
 * thread of its own (embedder_start). Every event is recorded.
 */
#ifndef SLUICE_HARNESS_EMBEDDER_H
#define SLUICE_HARNESS_EMBEDDER_H

#include <pthread.h>
#include <stdatomic.h>

#include "../internal.h"

struct event {
  uint32_t kind, tag, d, code, error;
  connection_id id;
  double a, b;
  char address[ADDRESS_TEXT_MAX];
  char *head;
  size_t head_length;
};

struct embedder {
  struct engine *engine;
  /* Called for each event while it is delivered; NULL: events are only recorded. */
  void (*decide)(struct embedder *embedder, const struct event *event);
  bool deciding;
  int rounds_max;
  /* Policy of embedder_proxy. */
  uint16_t backend_port;
  uint16_t retry_port; /* tried once after a failure; 0: none */
  uint32_t connect_timeout_ms, answer_timeout_ms, idle_timeout_ms, lifetime_ms;
  uint32_t bound_ms;    /* 0: none */
  uint32_t slot, group; /* of every dial */
  uint32_t owner;       /* of every splice */
  uint32_t answer_group; /* of answers of its own, and of the retry */
  bool log_ended;
  /* What happened. */
  pthread_mutex_t lock;
  struct event *events;
  size_t count, capacity;
  /* The driving thread. */
  pthread_t thread;
  bool threaded;
  _Atomic bool stopping;
};

struct engine_options embedder_options(void);
void embedder_init(struct embedder *embedder, struct engine *engine);
/* Frees what was recorded. */
void embedder_free(struct embedder *embedder);
/* One run as the addon does it, after waiting at most `timeout_ms` for the engine. */
void embedder_step(struct embedder *embedder, int timeout_ms);
/* Attaches in a thread of its own and says that it is ready. */
void embedder_start(struct embedder *embedder);
/* The thread detaches and ends, whatever is going on: a worker that dies. */
void embedder_stop(struct embedder *embedder);

/* The policy: connect, splice a 101, pass a 1xx on, relay the rest, answer 502 (408 for a request that never came). */
void embedder_proxy(struct embedder *embedder, const struct event *event);

size_t embedder_count(struct embedder *embedder, enum event_kind kind);
/* The latest event of the kind; its head stays the embedder's. */
struct event embedder_last(struct embedder *embedder, enum event_kind kind);

#endif
