/* The handshake's ends: clients that leave in every state, stale names, decisions of the embedder, a dying worker. */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

static struct rig rig;

static void leave(int client, bool reset) {
  if (reset) {
    socket_reset(client);
  } else {
    close(client);
  }
}

TEST(handshake_client_leaves_before_its_head) {
  for (int reset = 0; reset < 2; reset++) {
    rig_open(&rig, NULL, 0);
    int client = rig_client(&rig);
    socket_send_text(client, "GET / HT");
    EVENTUALLY(rig_stats(&rig).opened == 1);
    leave(client, reset);
    rig_expect_log(&rig, "\"by\":\"listener\"");
    rig_expect_log(&rig, "\"closeReason\":\"client-aborted\"");
    CHECK_EQ(embedder_count(&rig.embedder, EVENT_ENDED), 0); /* nobody has heard of it */
    rig_close(&rig);
  }
}

TEST(handshake_client_leaves_while_deciding) {
  for (int reset = 0; reset < 2; reset++) {
    rig_open(&rig, NULL, 0);
    rig.embedder.decide = NULL;
    int client = rig_client(&rig);
    socket_send_text(client, REQUEST_HEAD);
    EVENTUALLY(embedder_count(&rig.embedder, EVENT_REQUEST) == 1);
    leave(client, reset);
    EVENTUALLY(embedder_count(&rig.embedder, EVENT_ENDED) == 1);
    CHECK_EQ(embedder_last(&rig.embedder, EVENT_ENDED).d, REASON_CLIENT_ABORTED);
    rig_expect_log(&rig, "\"by\":\"listener\""); /* the embedder wrote none */
    rig_close(&rig);
    CHECK_EQ(embedder_count(&rig.embedder, EVENT_ENDED), 0);
  }
}

TEST(handshake_client_leaves_while_reading_response) {
  for (int log_ended = 0; log_ended < 2; log_ended++) {
    rig_open(&rig, NULL, 0);
    rig.embedder.log_ended = log_ended;
    int client = rig_client(&rig);
    socket_send_text(client, REQUEST_HEAD);
    int backend = rig_backend(&rig);
    socket_expect_text(backend, REQUEST_HEAD);
    CHECK_EQ(rig.active[0], 1);
    leave(client, log_ended);
    EVENTUALLY(embedder_count(&rig.embedder, EVENT_ENDED) == 1);
    socket_expect_eof(backend);
    close(backend);
    rig_expect_log(&rig, log_ended ? "\"by\":\"ended\"" : "\"by\":\"listener\"");
    rig_expect_log(&rig, "\"closeReason\":\"client-aborted\"");
    rig_close(&rig);
  }
}

TEST(handshake_half_close_behind_early_data_is_no_abort) {
  rig_open(&rig, NULL, 0);
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD "early");
  int backend = rig_backend(&rig);
  socket_expect_text(backend, REQUEST_HEAD);
  socket_shut(client);
  for (int i = 0; i < 5; i++) embedder_step(&rig.embedder, 1);
  CHECK_EQ(rig_stats(&rig).active, 1);
  socket_send_text(backend, SWITCH_HEAD "answer");
  socket_expect_text(backend, "early");
  socket_expect_eof(backend);
  socket_expect_text(client, SWITCH_HEAD "answer");
  close(backend);
  socket_expect_eof(client);
  close(client);
  rig_expect_log(&rig, "\"closeReason\":\"client-closed\"");
  rig_close(&rig);
}

/* Every command with a name that is no connection's, or not any more, or one in another state. */
static void expect_stale(connection_id id) {
  struct engine *engine = rig.engine;
  struct dial dial = {.address = "127.0.0.1", .port = rig.backend_port, .slot = 0, .head = "x", .head_length = 1};
  CHECK(!engine_connect(engine, id, &dial));
  CHECK(!engine_interim(engine, id, "x", 1));
  CHECK(!engine_splice(engine, id, "x", 1, "", 0, 0, 0, 0));
  CHECK(!engine_relay(engine, id, "x", 1, RELAY_LENGTH, 0, "", 0, 0));
  CHECK(!engine_respond(engine, id, "x", 1, "", 0, 0));
  CHECK(!engine_close(engine, id, REASON_REFUSED, "", 0));
  CHECK(!engine_log_ended(engine, id, "", 0));
}

TEST(handshake_stale_names_find_nothing) {
  rig_open(&rig, NULL, 0);
  expect_stale(0);
  expect_stale((connection_id)1 << 51);
  expect_stale(CONNECTIONS_MAX - 1);
  int client, backend;
  rig_splice(&rig, &client, &backend);
  connection_id id = embedder_last(&rig.embedder, EVENT_REQUEST).id;
  expect_stale(id); /* spliced: nothing left to decide */
  close(client);
  socket_expect_eof(backend);
  close(backend);
  EVENTUALLY(rig_stats(&rig).active == 0);
  expect_stale(id);
  rig_splice(&rig, &client, &backend); /* the same place, another generation */
  CHECK(embedder_last(&rig.embedder, EVENT_REQUEST).id != id);
  CHECK_EQ(embedder_last(&rig.embedder, EVENT_REQUEST).id & (CONNECTIONS_MAX - 1), id & (CONNECTIONS_MAX - 1));
  expect_stale(id);
  close(client);
  close(backend);
  rig_close(&rig);
}

TEST(handshake_close_by_the_embedder) {
  rig_open(&rig, NULL, 0);
  rig.embedder.decide = NULL;
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD);
  EVENTUALLY(embedder_count(&rig.embedder, EVENT_REQUEST) == 1);
  connection_id id = embedder_last(&rig.embedder, EVENT_REQUEST).id;
  CHECK(engine_close(rig.engine, id, REASON_INTERNAL_ERROR, "\"own\":1", 7));
  expect_stale(id);
  socket_expect_eof(client);
  close(client);
  rig_expect_log(&rig, "\"own\":1,");
  rig_expect_log(&rig, "\"closeReason\":\"internal-error\"");
  CHECK_EQ(embedder_count(&rig.embedder, EVENT_ENDED), 0);
  rig_close(&rig);
}

/* The worker dies between a client's leaving and the news of it: the record says why it ended. */
TEST(handshake_ended_keeps_its_reason_when_the_worker_dies) {
  rig_open(&rig, NULL, 0);
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD);
  int backend = rig_backend(&rig);
  socket_reset(client);
  CHECK(poll(&(struct pollfd){.fd = engine_poll_fd(rig.engine), .events = POLLIN}, 1, 1000) == 1);
  engine_turn(rig.engine);
  engine_detach(rig.engine);
  CHECK(engine_attach(rig.engine, true));
  engine_ready(rig.engine);
  rig_expect_log(&rig, "\"closeReason\":\"client-aborted\"");
  close(backend);
  rig_close(&rig);
}
