/*
 * The whole shape: an acceptor thread, engines with a thread each, an echo backend in a thread, clients in the test's.
 *
 * The acceptor and the registry are process-wide, so a test has one cluster at most.
 */
#ifndef SLUICE_HARNESS_CLUSTER_H
#define SLUICE_HARNESS_CLUSTER_H

#include "embedder.h"
#include "harness.h"
#include "sockets.h"

#define CLUSTER_ENGINES 2
#define HELD_HEAD "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n" /* the backend does not answer this one */
#define CHAT_HEAD "GET /chat HTTP/1.1\r\nHost: a\r\n\r\n"
#define CHAT_SWITCH "HTTP/1.1 101 Switching Protocols\r\n\r\n"

struct cluster {
  struct embedder workers[CLUSTER_ENGINES];
  struct engine *engines[CLUSTER_ENGINES];
  uint32_t count;
  uint16_t port, backend_port;
  pthread_t acceptor_thread, echo_thread;
  bool own_acceptor;
  _Atomic bool stopping, hanging, hung;
  _Atomic uint64_t acceptor_turns;
  _Atomic uint64_t held; /* requests that the backend does not answer */
  int backend;
};

/* `count` engines; the workers are started, the acceptor is not. */
void cluster_open(struct cluster *cluster, uint32_t count, const struct engine_options *options);
/* Likewise, with `groups` metric groups for each engine. */
void cluster_open_metered(struct cluster *cluster, uint32_t count, uint64_t *cells, uint32_t groups);
/* Accepts in a thread of the harness, whose turns are counted; cluster_run: in the acceptor's own. */
void cluster_accept(struct cluster *cluster);
void cluster_run(struct cluster *cluster);
/* All has ended; threads end. */
void cluster_close(struct cluster *cluster);
/* The worker stands still in its next delivery (`hung`) until `hanging` is false again. */
void cluster_hang(struct cluster *cluster, uint32_t worker);
/* A client with an open stream. */
int cluster_chat(struct cluster *cluster);
void cluster_expect_echo(int client, const char *text);
struct engine_stats cluster_stats(struct cluster *cluster, uint32_t engine);
/* Over all engines. */
uint64_t cluster_active(struct cluster *cluster);

#endif
