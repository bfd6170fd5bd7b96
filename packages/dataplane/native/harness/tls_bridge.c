/* A rig with clients that are bridged; see tls_bridge.h. */
#include "tls_bridge.h"

#include <stdlib.h>
#include <string.h>

struct bridged bridged;

/* The embedder: takes each client, and tells of its bytes when the engine has ended it. */
static void take(struct embedder *embedder, const struct event *event) {
  struct detached detached;
  if (event->kind == EVENT_ENDED) {
    if (event->id == bridged.id && engine_client_closed(embedder->engine, event->id, REASON_INTERNAL_ERROR, BYTES_UP, BYTES_DOWN)) bridged.told++;
    return;
  }
  CHECK_EQ(event->kind, EVENT_REQUEST);
  if (!engine_detach_client(embedder->engine, event->id, 0, &detached)) return;
  CHECK(!engine_detach_client(embedder->engine, event->id, 0, &detached));
  free(detached.early);
  bridged.id = event->id;
  engine_log_line(embedder->engine, "{}\n", 3);
  bridged.fd = detached.fd;
}

void bridge_open_rig(const struct engine_options *options, int buffer_bytes) {
  rig_open(&bridged.rig, options, buffer_bytes);
  tls_peer_listen(&bridged.rig);
  bridged.rig.embedder.decide = take;
  bridged.fd = -1;
  bridged.told = 0;
}

SSL *bridge_client(int *fd) {
  SSL *client = tls_peer_client(&bridged.rig);
  CHECK_EQ(tls_peer_write(client, PLAIN_HEAD, strlen(PLAIN_HEAD)), strlen(PLAIN_HEAD));
  EVENTUALLY(bridged.fd >= 0);
  *fd = bridged.fd;
  return client;
}

void bridge_close_rig(void) {
  tls_peer_forget(&bridged.rig);
  rig_close(&bridged.rig);
}

void bridge_expect_told(uint64_t times) {
  CHECK_EQ(rig_stats(&bridged.rig).bytes_up, times * BYTES_UP);
  CHECK_EQ(rig_stats(&bridged.rig).bytes_down, times * BYTES_DOWN);
}
