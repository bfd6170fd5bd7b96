/* Meters: each connection is opened once and closed once, in the group that its first decision has named. */
#include <string.h>
#include <unistd.h>

#include "cluster.h"
#include "rig.h"

static struct rig rig;
static struct cluster cluster;

enum { LISTENER = 1, DIALLED, ANSWERED, GROUPS };
static uint64_t cells[CLUSTER_ENGINES][GROUPS][METER_CELLS];

static uint64_t meter(uint32_t group, uint32_t field) { return __atomic_load_n(&cells[0][group][field], __ATOMIC_RELAXED); }

static void open_metered(const struct engine_options *options) {
  memset(cells, 0, sizeof cells);
  rig_open(&rig, options, 0);
  CHECK(!engine_set_meters(rig.engine, &cells[0][0][0], GROUPS)); /* somebody drives it */
  engine_detach(rig.engine);
  CHECK(!engine_set_meters(rig.engine, &cells[0][0][0], 0));
  CHECK(engine_set_meters(rig.engine, &cells[0][0][0], GROUPS));
  CHECK(engine_attach(rig.engine, true));
  engine_ready(rig.engine);
  rig.listener.group = LISTENER;
  rig.embedder.group = DIALLED;
  rig.embedder.answer_group = ANSWERED;
}

/* One connection has been opened and closed in this group, and nothing is in any other. */
static void expect_one(uint32_t group, enum reason reason) {
  EVENTUALLY(meter(group, METER_CLOSED + reason) == 1);
  for (uint32_t each = 0; each < GROUPS; each++) {
    CHECK_EQ(meter(each, METER_OPENED), each == group);
    CHECK_EQ(meter(each, METER_ACTIVE), 0);
    for (uint32_t i = 0; i < REASON_COUNT; i++) CHECK_EQ(meter(each, METER_CLOSED + i), each == group && i == reason);
  }
}

TEST(meters_spliced_is_counted_live_where_it_was_dialled) {
  open_metered(NULL);
  int client = rig_client(&rig), backend;
  char head[200];
  EVENTUALLY(rig_stats(&rig).active == 1);
  CHECK_EQ(meter(LISTENER, METER_OPENED), 0); /* not before it is decided about */
  socket_send_text(client, REQUEST_HEAD "early");
  backend = rig_backend(&rig);
  socket_read_head(backend, head, sizeof head);
  CHECK_EQ(meter(DIALLED, METER_OPENED), 1);
  CHECK_EQ(meter(DIALLED, METER_ACTIVE), 1);
  socket_send_text(backend, SWITCH_HEAD "first");
  socket_expect_text(client, SWITCH_HEAD "first");
  socket_expect_text(backend, "early");
  socket_send_text(client, "up");
  socket_expect_text(backend, "up");
  EVENTUALLY(meter(DIALLED, METER_BYTES_UP) == 7 && meter(DIALLED, METER_BYTES_DOWN) == 5);
  CHECK_EQ(rig_stats(&rig).bytes_up, 7);
  CHECK_EQ(rig_stats(&rig).bytes_down, 5);
  close(client);
  socket_expect_eof(backend);
  close(backend);
  expect_one(DIALLED, REASON_CLIENT_CLOSED);
  rig_close(&rig);
}

TEST(meters_relayed_counts_no_bytes) {
  open_metered(NULL);
  int client = rig_client(&rig);
  char head[200];
  socket_send_text(client, REQUEST_HEAD);
  int backend = rig_backend(&rig);
  socket_read_head(backend, head, sizeof head);
  socket_send_text(backend, "HTTP/1.1 401 No\r\ncontent-length: 2\r\n\r\nno");
  socket_expect_text(client, "HTTP/1.1 401 No\r\ncontent-length: 2\r\n\r\nno");
  socket_expect_eof(client);
  close(client);
  close(backend);
  expect_one(DIALLED, REASON_RELAYED);
  CHECK_EQ(meter(DIALLED, METER_BYTES_DOWN), 0);
  rig_close(&rig);
}

static void respond_at_once(struct embedder *embedder, const struct event *event) {
  if (event->kind != EVENT_REQUEST) return;
  CHECK(engine_respond(embedder->engine, event->id, BAD_GATEWAY, strlen(BAD_GATEWAY), "", 0, embedder->answer_group));
}

static void expect_answer(int client, const char *text) {
  socket_expect_text(client, text);
  socket_expect_eof(client);
  close(client);
}

TEST(meters_refused_in_handshake) {
  open_metered(NULL);
  rig.embedder.decide = respond_at_once;
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD);
  expect_answer(client, BAD_GATEWAY);
  expect_one(ANSWERED, REASON_REFUSED);
  rig_close(&rig);
}

TEST(meters_out_of_range_is_group_0) {
  open_metered(NULL);
  rig.embedder.decide = respond_at_once;
  rig.embedder.answer_group = GROUPS;
  rig.listener.group = UINT32_MAX;
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD);
  expect_answer(client, BAD_GATEWAY);
  expect_one(0, REASON_REFUSED);
  socket_reset(rig_client(&rig));
  EVENTUALLY(meter(0, METER_CLOSED + REASON_CLIENT_ABORTED) == 1);
  rig_close(&rig);
}

/* The group of the first dial stands, for a second endpoint and for the answer behind both. */
TEST(meters_retried_stays_in_its_first_group) {
  open_metered(NULL);
  rig.embedder.backend_port = rig.embedder.retry_port = socket_refused_port();
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD);
  expect_answer(client, BAD_GATEWAY);
  CHECK_EQ(embedder_count(&rig.embedder, EVENT_FAILED), 2);
  expect_one(DIALLED, REASON_REFUSED);
  rig_close(&rig);
}

TEST(meters_ended_before_a_decision_is_its_listeners) {
  open_metered(NULL);
  int client = rig_client(&rig);
  socket_send_text(client, "GET / HT");
  close(client);
  expect_one(LISTENER, REASON_CLIENT_ABORTED);
  rig_close(&rig);
}

static void close_at_once(struct embedder *embedder, const struct event *event) {
  if (event->kind != EVENT_REQUEST) return;
  CHECK(engine_close(embedder->engine, event->id, REASON_INTERNAL_ERROR, "", 0));
  CHECK(!engine_respond(embedder->engine, event->id, "x", 1, "", 0, ANSWERED)); /* too late to be counted there */
}

TEST(meters_closed_without_an_answer_is_its_listeners) {
  open_metered(NULL);
  rig.embedder.decide = close_at_once;
  int client = rig_client(&rig);
  socket_send_text(client, REQUEST_HEAD);
  socket_expect_eof(client);
  close(client);
  expect_one(LISTENER, REASON_INTERNAL_ERROR);
  rig_close(&rig);
}

TEST(meters_of_a_dead_worker_go_on_with_its_keeper) {
  open_metered(NULL);
  int client, backend, held = rig_client(&rig), dialled;
  char head[200];
  rig_splice(&rig, &client, &backend);
  socket_send_text(held, REQUEST_HEAD);
  dialled = rig_backend(&rig);
  socket_read_head(dialled, head, sizeof head);
  CHECK_EQ(meter(DIALLED, METER_ACTIVE), 2);
  engine_detach(rig.engine); /* the worker dies */
  CHECK_EQ(meter(DIALLED, METER_CLOSED + REASON_WORKER_LOST), 1);
  CHECK(!engine_set_meters(rig.engine, &cells[1][0][0], GROUPS)); /* connections are counted there */
  CHECK(engine_attach(rig.engine, false));
  rig.embedder.deciding = false;
  socket_send_text(client, "adopted");
  socket_expect_text(backend, "adopted");
  EVENTUALLY(meter(DIALLED, METER_BYTES_UP) == 7);
  int all[] = {client, backend, held, dialled};
  for (int i = 0; i < 4; i++) close(all[i]);
  EVENTUALLY(meter(DIALLED, METER_ACTIVE) == 0);
  CHECK_EQ(meter(DIALLED, METER_OPENED), 2);
  CHECK_EQ(meter(DIALLED, METER_CLOSED + REASON_CLIENT_CLOSED), 1);
  rig_close(&rig);
}

/* Over all engines, as a scrape reads them while they are written. */
static uint64_t sum_of(uint32_t field) {
  uint64_t sum = 0;
  for (uint32_t engine = 0; engine < CLUSTER_ENGINES; engine++) {
    for (uint32_t group = 0; group < GROUPS; group++) sum += __atomic_load_n(&cells[engine][group][field], __ATOMIC_RELAXED);
  }
  return sum;
}

TEST(meters_read_by_another_thread) {
  enum { CLIENTS = 40 };
  memset(cells, 0, sizeof cells);
  cluster_open_metered(&cluster, 2, &cells[0][0][0], GROUPS);
  cluster_run(&cluster);
  for (int i = 0; i < CLIENTS; i++) {
    int client = cluster_chat(&cluster);
    cluster_expect_echo(client, "hello");
    EVENTUALLY(sum_of(METER_ACTIVE) >= 1 && sum_of(METER_BYTES_DOWN) == 5 * ((uint64_t)i + 1));
    CHECK_EQ(sum_of(METER_OPENED), i + 1);
    close(client);
  }
  cluster_close(&cluster);
  CHECK_EQ(sum_of(METER_ACTIVE), 0);
  CHECK_EQ(sum_of(METER_BYTES_UP), 5 * CLIENTS);
  CHECK_EQ(sum_of(METER_CLOSED + REASON_CLIENT_CLOSED), CLIENTS);
  CHECK_EQ(__atomic_load_n(&cells[1][0][METER_OPENED], __ATOMIC_RELAXED) > 0, 1); /* each engine in its own */
}
