/*
 * A rig with a detached client, on behalf of which inner clients are opened. One a process: `inner`.
 */
#ifndef SLUICE_HARNESS_INNER_PEER_H
#define SLUICE_HARNESS_INNER_PEER_H

#include "rig.h"

struct inner {
  struct rig rig;
  connection_id parent;
  int client, fd; /* of the parent: its own end, and what the embedder has of it */
};
extern struct inner inner;

void inner_open(const struct engine_options *options, int buffer_bytes);
/* Everything has ended, the parent too. */
void inner_close(void);
bool inner_try(connection_id of, const char *head, struct opened *opened);
/* One that is spliced to this backend. */
struct opened inner_spliced(int *backend);
/* Its `ended` event with this reason, the only one, and its record. */
void inner_expect_ended(const struct opened *opened, enum reason reason);

#endif
