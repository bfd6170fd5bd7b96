/* A rig with a parent of inner clients; see inner_peer.h. */
#include "inner_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct inner inner;

bool inner_try(connection_id of, const char *head, struct opened *opened) {
  return engine_open_client(inner.rig.engine, of, (const uint8_t *)head, (uint32_t)strlen(head), opened);
}

void inner_open(const struct engine_options *options, int buffer_bytes) {
  struct detached detached;
  rig_open(&inner.rig, options, buffer_bytes);
  inner.rig.embedder.decide = NULL;
  inner.rig.embedder.log_ended = false;
  inner.client = rig_client(&inner.rig);
  socket_send_text(inner.client, PLAIN_HEAD);
  EVENTUALLY(embedder_count(&inner.rig.embedder, EVENT_REQUEST) == 1);
  inner.parent = embedder_last(&inner.rig.embedder, EVENT_REQUEST).id;
  CHECK(engine_detach_client(inner.rig.engine, inner.parent, 0, &detached));
  free(detached.early);
  inner.fd = detached.fd;
  inner.rig.embedder.decide = embedder_proxy;
}

static void close_parent(void) {
  engine_client_closed(inner.rig.engine, inner.parent, REASON_CLIENT_CLOSED, 0, 0);
  engine_log_line(inner.rig.engine, "{}\n", 3);
  close(inner.fd);
  close(inner.client);
}

void inner_close(void) {
  close_parent();
  rig_close(&inner.rig);
}

struct opened inner_spliced(int *backend) {
  struct opened opened;
  char head[256];
  CHECK(inner_try(inner.parent, REQUEST_HEAD, &opened));
  *backend = rig_backend(&inner.rig);
  socket_read_head(*backend, head, sizeof head);
  CHECK(strcmp(head, REQUEST_HEAD) == 0);
  socket_send_text(*backend, SWITCH_HEAD);
  socket_expect_text(opened.fd, SWITCH_HEAD);
  return opened;
}

void inner_expect_ended(const struct opened *opened, enum reason reason) {
  EVENTUALLY(embedder_count(&inner.rig.embedder, EVENT_ENDED) == 1);
  CHECK(embedder_last(&inner.rig.embedder, EVENT_ENDED).id == opened->id);
  CHECK_EQ(embedder_last(&inner.rig.embedder, EVENT_ENDED).d, reason);
  CHECK_EQ(engine_client_fate(inner.rig.engine, opened->id), REASON_COUNT);
  CHECK(!engine_reset_client(inner.rig.engine, opened->id));
  char text[64];
  snprintf(text, sizeof text, "\"closeReason\":\"%s\"", reason_text(reason));
  rig_expect_log(&inner.rig, text);
}
