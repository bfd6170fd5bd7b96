/*
 * The listening sockets of the acceptor, and what connections keep of the listener that they came through.
 *
 * A socket is known by a number that is never given again: a late call finds nothing, never another socket. What its
 * connections need lives as long as the last of them, so closing or renaming a listener touches none. Under the
 * acceptor's lock, but for keeping and releasing a listener (any thread).
 */
#ifndef SLUICE_LISTENERS_H
#define SLUICE_LISTENERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "proxy.h"

struct listener {
  _Atomic uint32_t references; /* the socket's, and one for each hand-over and connection */
  uint32_t tag, group;
  char *log_fields;
  size_t log_length;
  struct proxy_source *proxy_sources; /* whose connections begin with a PROXY header; NULL: nobody's */
  uint32_t proxy_count;
  struct sni_table *tls; /* under tls_sni.c's lock; NULL: plain */
};

/* A listening socket; none: listener is NULL. */
struct listening {
  int fd;
  uint32_t number;
  bool held; /* watched for nothing yet */
  struct listener *listener;
};

struct listeners {
  struct listening places[LISTENERS_MAX];
  uint32_t numbers; /* given so far */
};

struct listener *listener_keep(struct listener *listener);
void listener_release(struct listener *listener);

/* Listens and watches the socket for `events`, named by its place; its number, or -1 with errno and the failed call. */
int listeners_add(struct listeners *listeners, int epfd, uint32_t events, const struct listen_options *options,
                  uint16_t *port, const char **syscall_name);
/* The socket with this number; NULL: it is closed, or has never been. */
struct listening *listeners_find(struct listeners *listeners, uint32_t number);
/* What later connections of the socket get; false, with errno: no memory. */
bool listeners_identify(struct listening *listening, const struct listener_identity *identity);
/* Watches a socket that was held, and from now on like the others. */
void listeners_admit(struct listeners *listeners, struct listening *listening, int epfd, uint32_t events);
void listeners_close(struct listening *listening);
void listeners_close_all(struct listeners *listeners);
void listeners_watch(const struct listeners *listeners, int epfd, uint32_t events);

#endif
