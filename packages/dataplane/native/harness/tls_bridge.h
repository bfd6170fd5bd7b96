/*
 * A rig whose embedder takes each client, of TLS, to the stream path, and tells of its bytes when the engine has ended it.
 */
#ifndef SLUICE_HARNESS_TLS_BRIDGE_H
#define SLUICE_HARNESS_TLS_BRIDGE_H

#include "tls_peer.h"

#define BYTES_UP 3
#define BYTES_DOWN 4

struct bridged {
  struct rig rig;
  connection_id id; /* the last one that was taken */
  _Atomic int fd, told;
};
extern struct bridged bridged;

void bridge_open_rig(const struct engine_options *options, int buffer_bytes);
void bridge_close_rig(void);
/* A client, and the embedder's descriptor. */
SSL *bridge_client(int *fd);
/* The meters have the bytes of so many clients, and no other. */
void bridge_expect_told(uint64_t times);

#endif
