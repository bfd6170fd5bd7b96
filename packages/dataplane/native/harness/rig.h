/*
 * One engine with everything around it: a place where clients arrive, a backend, the access log.
 *
 * Clients reach the engine without the acceptor: the rig accepts and pushes the hand-over itself. By default the test's
 * own thread drives the engine whenever the test waits.
 */
#ifndef SLUICE_HARNESS_RIG_H
#define SLUICE_HARNESS_RIG_H

#include "embedder.h"
#include "harness.h"
#include "sockets.h"

struct rig {
  struct embedder embedder;
  struct engine *engine;
  struct listener listener;
  int front, backend;
  uint16_t front_port, backend_port;
  int buffer_bytes; /* small kernel buffers of every socket, engine's side of clients included */
  int descriptors;  /* with no client */
  int32_t active[4];
  char log[1 << 16];
  size_t log_length;
};

#define REQUEST_HEAD "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"
#define PLAIN_HEAD "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define SWITCH_HEAD "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
#define BAD_GATEWAY "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 3\r\n\r\nbad"

void rig_open(struct rig *rig, const struct engine_options *options, int buffer_bytes);
/* Drives the engine from a thread of its own from now on. */
void rig_threaded(struct rig *rig);
/* Everything must have ended: no connection, descriptors as at the start, no pending byte, columns at 0. */
void rig_close(struct rig *rig);
/* A client whose socket the engine has or is about to get. */
int rig_client(struct rig *rig);
/* The next connection that the engine opens to the backend. */
int rig_backend(struct rig *rig);
void rig_splice(struct rig *rig, int *client, int *backend);
struct engine_stats rig_stats(struct rig *rig);
/* Reads the access log; the number of lines so far. */
size_t rig_log_lines(struct rig *rig);
/* Waits for the one record of the log and checks that it holds this text. */
void rig_expect_log(struct rig *rig, const char *text);
/* The number behind "name": in the log. */
long long rig_log_number(struct rig *rig, const char *name);

#endif
