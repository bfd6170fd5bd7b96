/* Clients that pass to the embedder and back: nothing is lost, nothing stays counted, no record is the engine's. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

static struct rig rig;
static char text[70000];

static void read_from(int fd, char *out, size_t wanted) {
  size_t length = 0;
  ssize_t count = 0;
  EVENTUALLY((count = read(fd, out + length, wanted - length)) >= 0 && (length += (size_t)count) == wanted);
}

/* A client whose request is waiting for a decision. */
static connection_id asked(int *client, const char *bytes) {
  size_t before = embedder_count(&rig.embedder, EVENT_REQUEST);
  *client = rig_client(&rig);
  socket_send_text(*client, bytes);
  EVENTUALLY(embedder_count(&rig.embedder, EVENT_REQUEST) == before + 1);
  return embedder_last(&rig.embedder, EVENT_REQUEST).id;
}

static struct detached detach(connection_id id) {
  struct detached detached;
  CHECK(engine_detach_client(rig.engine, id, 1, &detached));
  free(detached.early);
  return detached;
}

/* The embedder's own record, which the rig wants one of for each connection. */
static void log_own(void) { engine_log_line(rig.engine, "{}\n", 3); }

TEST(detach_gives_the_socket_and_what_was_read) {
  rig_open(&rig, NULL, 0);
  rig.embedder.decide = NULL;
  int client;
  connection_id id = asked(&client, PLAIN_HEAD "behind");
  struct detached detached;
  CHECK(engine_detach_client(rig.engine, id, 0, &detached));
  CHECK_EQ(detached.early_length, 6);
  CHECK(memcmp(detached.early, "behind", 6) == 0);
  free(detached.early);
  CHECK(!engine_detach_client(rig.engine, id, 0, &detached));
  CHECK(!engine_respond(rig.engine, id, BAD_GATEWAY, strlen(BAD_GATEWAY), "", 0, 0));
  CHECK_EQ(rig_stats(&rig).active, 1);
  socket_send_text(client, "later");
  embedder_step(&rig.embedder, 0);
  read_from(detached.fd, text, 5);
  CHECK(memcmp(text, "later", 5) == 0);
  engine_log_line(rig.engine, "{\"own\":1}\n", 10);
  CHECK(engine_client_closed(rig.engine, id, REASON_CLIENT_CLOSED, 3, 4));
  CHECK(!engine_client_closed(rig.engine, id, REASON_CLIENT_CLOSED, 0, 0));
  close(detached.fd);
  close(client);
  rig_expect_log(&rig, "{\"own\":1}");
  CHECK_EQ(embedder_count(&rig.embedder, EVENT_ENDED), 0);
  CHECK_EQ(rig_stats(&rig).bytes_up, 3);
  CHECK_EQ(rig_stats(&rig).bytes_down, 4);
  rig_close(&rig);
}

TEST(requests_count_on_their_endpoints) {
  rig_open(&rig, NULL, 0);
  CHECK(engine_count_request(rig.engine, 1, true));
  CHECK(engine_count_request(rig.engine, 1, true));
  CHECK(engine_count_request(rig.engine, 2, true));
  CHECK_EQ(rig.active[1], 2);
  CHECK_EQ(rig.active[2], 1);
  CHECK(engine_count_request(rig.engine, 1, false));
  CHECK_EQ(rig.active[1], 1);
  CHECK(engine_count_request(rig.engine, 2, false));
  CHECK(!engine_count_request(rig.engine, 2, false)); /* none is left */
  CHECK_EQ(rig.active[2], 0);
  CHECK(!engine_count_request(rig.engine, UINT32_MAX, true));
  CHECK(engine_count_request(rig.engine, 1, false));
  rig_close(&rig);
}

TEST(detach_only_what_waits_for_a_decision) {
  rig_open(&rig, NULL, 0);
  int client, backend;
  rig_splice(&rig, &client, &backend);
  struct detached detached;
  connection_id id = embedder_last(&rig.embedder, EVENT_REQUEST).id;
  CHECK(!engine_detach_client(rig.engine, id, 0, &detached));
  CHECK(!engine_client_closed(rig.engine, id, REASON_CLIENT_CLOSED, 0, 0));
  CHECK(!engine_attach_client(rig.engine, id, client, (const uint8_t *)PLAIN_HEAD, strlen(PLAIN_HEAD)));
  close(client);
  socket_expect_eof(backend);
  close(backend);
  rig_close(&rig);
}

TEST(detached_client_comes_back_for_an_upgrade) {
  rig_open(&rig, NULL, 0);
  rig.embedder.decide = NULL;
  int client;
  connection_id id = asked(&client, PLAIN_HEAD);
  struct detached detached = detach(id);
  CHECK(!engine_attach_client(rig.engine, id, detached.fd, (const uint8_t *)PLAIN_HEAD, 10)); /* no whole head */
  rig.embedder.decide = embedder_proxy;
  const char *bytes = REQUEST_HEAD "early";
  CHECK(engine_attach_client(rig.engine, id, detached.fd, (const uint8_t *)bytes, (uint32_t)strlen(bytes)));
  close(detached.fd);
  int backend = rig_backend(&rig);
  socket_expect_text(backend, REQUEST_HEAD);
  socket_send_text(backend, SWITCH_HEAD);
  socket_expect_text(client, SWITCH_HEAD);
  socket_send_text(client, "late");
  socket_expect_text(backend, "earlylate");
  close(client);
  socket_expect_eof(backend);
  close(backend);
  rig_expect_log(&rig, "\"closeReason\":\"client-closed\"");
  rig_close(&rig);
}

TEST(detached_clients_end_with_close_all) {
  rig_open(&rig, NULL, 0);
  rig.embedder.decide = NULL;
  int client;
  connection_id id = asked(&client, PLAIN_HEAD);
  struct detached detached = detach(id);
  engine_close_all(rig.engine, REASON_DRAIN_TIMEOUT);
  EVENTUALLY(embedder_count(&rig.embedder, EVENT_ENDED) == 1);
  CHECK(embedder_last(&rig.embedder, EVENT_ENDED).id == id);
  CHECK(!engine_client_closed(rig.engine, id, REASON_CLIENT_CLOSED, 0, 0));
  close(detached.fd);
  close(client);
  CHECK_EQ(rig_log_lines(&rig), 0);
  log_own();
  rig_close(&rig);
}

TEST(detached_clients_end_with_their_thread) {
  rig_open(&rig, NULL, 0);
  rig.embedder.decide = NULL;
  int client;
  connection_id id = asked(&client, PLAIN_HEAD);
  struct detached detached = detach(id);
  CHECK(engine_count_request(rig.engine, 1, true));
  engine_detach(rig.engine);
  CHECK_EQ(rig_stats(&rig).active, 0);
  CHECK_EQ(rig.active[1], 0);
  log_own();
  CHECK(engine_attach(rig.engine, true));
  engine_ready(rig.engine);
  close(detached.fd);
  close(client);
  rig_close(&rig);
}
