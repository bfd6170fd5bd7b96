/* An engine with its surroundings; see rig.h. */
#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void drive(void *argument) {
  struct rig *rig = argument;
  embedder_step(&rig->embedder, 1);
}

void rig_open(struct rig *rig, const struct engine_options *options, int buffer_bytes) {
  struct engine_options fallback = embedder_options();
  memset(rig, 0, sizeof *rig);
  rig->buffer_bytes = buffer_bytes;
  rig->engine = engine_create(options != NULL ? options : &fallback);
  embedder_init(&rig->embedder, rig->engine);
  engine_set_active_column(rig->engine, rig->active, 4);
  static char fields[] = "\"by\":\"listener\"";
  rig->listener = (struct listener){.references = 1, .tag = 7, .log_fields = fields, .log_length = sizeof fields - 1};
  rig->front = socket_listen(&rig->front_port, buffer_bytes);
  rig->backend = socket_listen(&rig->backend_port, buffer_bytes);
  rig->embedder.backend_port = rig->backend_port;
  CHECK(engine_attach(rig->engine, true));
  engine_ready(rig->engine);
  harness_on_idle(drive, rig);
  rig->descriptors = harness_descriptors();
}

void rig_threaded(struct rig *rig) {
  engine_detach(rig->engine);
  harness_on_idle(NULL, NULL);
  embedder_start(&rig->embedder);
  EVENTUALLY(rig_stats(rig).state == ENGINE_READY);
}

void rig_close(struct rig *rig) {
  EVENTUALLY(rig_stats(rig).active == 0);
  EVENTUALLY(harness_descriptors() == rig->descriptors);
  struct engine_stats stats = rig_stats(rig);
  CHECK_EQ(stats.pending_bytes, 0);
  CHECK_EQ(stats.spliced, 0);
  CHECK_EQ(stats.opened, stats.closed);
  rig_log_lines(rig);
  if (rig->embedder.threaded) {
    embedder_stop(&rig->embedder);
  } else {
    embedder_step(&rig->embedder, 0);
    engine_detach(rig->engine);
  }
  harness_on_idle(NULL, NULL);
  rig_log_lines(rig);
  CHECK_EQ(rig_stats(rig).log_records + rig_stats(rig).log_drops, stats.opened);
  for (int i = 0; i < 4; i++) CHECK_EQ(rig->active[i], 0);
  CHECK_EQ(atomic_load(&rig->listener.references), 1);
  close(rig->front);
  close(rig->backend);
  embedder_free(&rig->embedder);
}

int rig_client(struct rig *rig) {
  int client = socket_dial(rig->front_port, rig->buffer_bytes);
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  int fd = -1;
  EVENTUALLY((fd = accept4(rig->front, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
  struct handover handover = {
      .fd = fd, .listener = listener_keep(&rig->listener), .port = ntohs(address.sin_port), .accepted_us = clock_us()};
  handover.address.s6_addr[10] = handover.address.s6_addr[11] = 0xff;
  memcpy(handover.address.s6_addr + 12, &address.sin_addr, 4);
  EVENTUALLY(engine_push(rig->engine, &handover));
  return client;
}

int rig_backend(struct rig *rig) { return socket_accept(rig->backend); }

void rig_splice(struct rig *rig, int *client, int *backend) {
  char head[1024];
  *client = rig_client(rig);
  socket_send_text(*client, REQUEST_HEAD);
  *backend = rig_backend(rig);
  socket_read_head(*backend, head, sizeof head);
  CHECK(strcmp(head, REQUEST_HEAD) == 0);
  socket_send_text(*backend, SWITCH_HEAD);
  socket_expect_text(*client, SWITCH_HEAD);
}

struct engine_stats rig_stats(struct rig *rig) {
  struct engine_stats stats;
  engine_stats(rig->engine, &stats);
  return stats;
}

size_t rig_log_lines(struct rig *rig) {
  rig->log_length += engine_log_read(rig->engine, (uint8_t *)rig->log + rig->log_length,
                                     sizeof rig->log - 1 - rig->log_length);
  rig->log[rig->log_length] = 0;
  size_t lines = 0;
  for (size_t i = 0; i < rig->log_length; i++) lines += rig->log[i] == '\n';
  return lines;
}

void rig_expect_log(struct rig *rig, const char *text) {
  EVENTUALLY(rig_log_lines(rig) > 0);
  CHECK_EQ(rig_log_lines(rig), 1);
  if (strstr(rig->log, text) == NULL) test_fail(__FILE__, __LINE__, "no %s in %s", text, rig->log);
}

long long rig_log_number(struct rig *rig, const char *name) {
  char key[80];
  snprintf(key, sizeof key, "\"%s\":", name);
  const char *found = strstr(rig->log, key);
  if (found == NULL) test_fail(__FILE__, __LINE__, "no %s in %s", name, rig->log);
  return strtoll(found + strlen(key), NULL, 10);
}
