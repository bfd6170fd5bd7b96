/* Orders to end an owner's connections: by hand beside an endpoint's orders, and over real streams. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster.h"
#include "rig.h"

#define GROUPS 4

static struct rig rig;
static uint64_t cells[CLUSTER_ENGINES * GROUPS * METER_CELLS];

static void forward(uint64_t ms) {
  rig.engine->now_ms += ms;
  do timer_run(rig.engine);
  while (rig.engine->bucket_left);
}

static uint64_t closed(uint32_t group, enum reason reason) { return cells[group * METER_CELLS + METER_CLOSED + reason]; }

/* A slab of spliced connections by hand: slot 0…3 and owner 0…3, which is also the metric group, in every mixture. */
static void open_by_hand(uint32_t log_ring_bytes) {
  static struct listener listener = {.references = UINT32_MAX, .log_fields = "\"a\":1", .log_length = 5};
  struct engine_options options = embedder_options();
  options.log_ring_bytes = log_ring_bytes;
  rig.engine = engine_create(&options);
  CHECK(rig.engine != NULL && engine_set_meters(rig.engine, cells, GROUPS) && engine_attach(rig.engine, true));
  engine_clock(rig.engine);
  struct connection *places = calloc(SLAB_SIZE, sizeof *places);
  CHECK(places != NULL);
  for (uint32_t i = 0; i < SLAB_SIZE; i++) {
    places[i] = (struct connection){.index = i, .listener = &listener, .state = STATE_SPLICED, .metered = true};
    places[i].slot = i % 4;
    places[i].owner = places[i].group = i / 4 % 4;
    places[i].client.fd = places[i].backend.fd = -1;
  }
  rig.engine->slabs[rig.engine->slab_count++] = places;
  counter_add(&rig.engine->active, SLAB_SIZE);
  counter_add(&rig.engine->spliced, SLAB_SIZE);
}

static void walk(void) {
  while (endings_left(rig.engine)) endings_run(rig.engine);
}

TEST(endings_owner_none_is_never_ended) {
  open_by_hand(0);
  CHECK(!engine_end_owner(rig.engine, 0, REASON_ROUTE_REMOVED, 0, 0));
  CHECK(engine_end_owner(rig.engine, UINT32_MAX, REASON_ROUTE_REMOVED, 0, 0)); /* nobody has it */
  engine_keep_owner(rig.engine, 0);
  walk();
  forward(1000);
  CHECK_EQ(atomic_load(&rig.engine->spliced), SLAB_SIZE);
}

/* Owner 2 is to end after 1 s, slot 1 after 5 s: what is under both ends with its owner. */
TEST(endings_owner_and_endpoint_the_earlier_one) {
  open_by_hand(0);
  CHECK(engine_end_endpoint(rig.engine, 1, REASON_ENDPOINT_DRAINING, 5000, 0));
  CHECK(engine_end_owner(rig.engine, 2, REASON_ROUTE_REMOVED, 1000, 0));
  walk();
  forward(2000);
  CHECK_EQ(closed(2, REASON_ROUTE_REMOVED), SLAB_SIZE / 4);
  CHECK_EQ(atomic_load(&rig.engine->spliced), SLAB_SIZE * 3 / 4);
  forward(5000);
  for (uint32_t group = 0; group < GROUPS; group++) {
    CHECK_EQ(closed(group, REASON_ENDPOINT_DRAINING), group == 2 ? 0 : SLAB_SIZE / 16);
  }
  CHECK_EQ(atomic_load(&rig.engine->spliced), SLAB_SIZE * 9 / 16);
}

/* The same number is a slot and an owner: taking one order back leaves the other. */
TEST(endings_owner_kept_leaves_the_endpoint) {
  open_by_hand(0);
  CHECK(engine_end_endpoint(rig.engine, 1, REASON_ENDPOINT_REMOVED, 1000, 0));
  CHECK(engine_end_owner(rig.engine, 1, REASON_LISTENER_REMOVED, 1000, 0));
  walk();
  engine_keep_owner(rig.engine, 1);
  CHECK_EQ(atomic_load(&rig.engine->endings.count), 1);
  forward(2000);
  CHECK_EQ(atomic_load(&rig.engine->spliced), SLAB_SIZE * 3 / 4);
  for (uint32_t group = 0; group < GROUPS; group++) CHECK_EQ(closed(group, REASON_ENDPOINT_REMOVED), SLAB_SIZE / 16);
  CHECK(engine_end_owner(rig.engine, 1, REASON_LISTENER_REMOVED, 0, 0));
  engine_keep_endpoint(rig.engine, 1);
  walk();
  forward(1000);
  CHECK_EQ(closed(1, REASON_LISTENER_REMOVED), SLAB_SIZE * 3 / 16);
  CHECK_EQ(atomic_load(&rig.engine->spliced), SLAB_SIZE * 9 / 16);
}

/* A later splice into both: each order gives it a moment. */
TEST(endings_owner_given_to_later_splices) {
  open_by_hand(0);
  CHECK(engine_end_owner(rig.engine, 3, REASON_ROUTE_REMOVED, 9000, 0));
  CHECK(engine_end_endpoint(rig.engine, 3, REASON_ENDPOINT_REMOVED, 5000, 0));
  walk();
  struct connection *connection = connection_at(rig.engine, 15);
  uint64_t owner_ms = connection->ending_ms[ENDING_OWNER], endpoint_ms = connection->ending_ms[ENDING_ENDPOINT];
  CHECK(owner_ms > endpoint_ms && endings_moment(connection) == endpoint_ms);
  connection->ending_ms[ENDING_OWNER] = connection->ending_ms[ENDING_ENDPOINT] = 0;
  CHECK_EQ(endings_moment(connection), 0);
  endings_apply(rig.engine, connection);
  CHECK_EQ(connection->ending_ms[ENDING_OWNER], owner_ms);
  CHECK_EQ(connection->ending_ms[ENDING_ENDPOINT], endpoint_ms);
}

/* Both moments have come and the log is full: the earlier order is still the one that ends it. */
TEST(endings_owner_waits_for_room_in_the_log) {
  open_by_hand(2 * LOG_RECORD_MAX);
  struct connection *connection = connection_at(rig.engine, 5); /* slot 1, owner 1 */
  CHECK(engine_end_endpoint(rig.engine, 1, REASON_ENDPOINT_REMOVED, 100, 0));
  CHECK(engine_end_owner(rig.engine, 1, REASON_LISTENER_REMOVED, 50, 0));
  walk();
  static char line[LOG_RECORD_MAX];
  struct log_part part = {line, sizeof line};
  while (log_ring_has_room(&rig.engine->log)) log_ring_append(&rig.engine->log, &part, 1);
  rig.engine->now_ms = connection->ending_ms[ENDING_ENDPOINT] + 10;
  for (int i = 0; i < 3; i++) {
    enum reason reason = REASON_COUNT;
    CHECK(!endings_due(rig.engine, connection, &reason));
    CHECK(connection->ending_ms[ENDING_OWNER] < connection->ending_ms[ENDING_ENDPOINT]);
    CHECK(endings_moment(connection) > rig.engine->now_ms);
    rig.engine->now_ms = connection->ending_ms[ENDING_ENDPOINT];
  }
  rig.engine->now_ms += 10000; /* patience has ended */
  enum reason reason = REASON_COUNT;
  CHECK(endings_due(rig.engine, connection, &reason));
  CHECK_EQ(reason, REASON_LISTENER_REMOVED);
}

static struct cluster cluster; /* all of it in metric group 0 */

#define FIRST (UINT32_MAX - 2) /* of three owners */

static void *give_orders(void *argument) {
  _Atomic bool *stopping = argument;
  struct prng prng = prng_new(29);
  while (!atomic_load(stopping)) {
    uint32_t owner = FIRST + prng_range(&prng, 0, 2), engine = prng_next(&prng) % cluster.count;
    if (prng_range(&prng, 0, 2) == 0) {
      engine_keep_owner(cluster.engines[engine], owner);
    } else {
      uint32_t after_ms = prng_range(&prng, 0, 40), window_ms = prng_range(&prng, 0, 40);
      CHECK(engine_end_owner(cluster.engines[engine], owner, REASON_ROUTE_REMOVED, after_ms, window_ms));
    }
    harness_idle();
  }
  return NULL;
}

TEST(endings_owner_live_from_another_thread) {
  enum { CLIENTS = 40 };
  _Atomic bool stopping = false;
  pthread_t thread;
  int clients[CLIENTS];
  cluster_open_metered(&cluster, 2, cells, GROUPS);
  for (uint32_t i = 0; i < 2; i++) cluster.workers[i].owner = FIRST + 1;
  cluster_run(&cluster);
  CHECK(pthread_create(&thread, NULL, give_orders, &stopping) == 0);
  for (int i = 0; i < CLIENTS; i++) clients[i] = cluster_chat(&cluster);
  atomic_store(&stopping, true);
  pthread_join(thread, NULL);
  for (uint32_t i = 0; i < 2; i++) CHECK(engine_end_owner(cluster.engines[i], FIRST + 1, REASON_ROUTE_REMOVED, 0, 50));
  for (int i = 0; i < CLIENTS; i++) {
    socket_expect_eof(clients[i]);
    close(clients[i]);
  }
  cluster_close(&cluster);
  CHECK_EQ(closed(0, REASON_ROUTE_REMOVED) + closed(GROUPS, REASON_ROUTE_REMOVED), CLIENTS);
}

TEST(endings_owner_live_one_and_no_other) {
  cluster_open_metered(&cluster, 1, cells, GROUPS);
  cluster_run(&cluster);
  int clients[4];
  for (uint32_t i = 0; i < 4; i++) {
    cluster.workers[0].owner = FIRST + i % 2;
    clients[i] = cluster_chat(&cluster);
  }
  CHECK(engine_end_owner(cluster.engines[0], FIRST, REASON_LISTENER_REMOVED, 0, 100));
  for (uint32_t i = 0; i < 4; i += 2) socket_expect_eof(clients[i]);
  for (uint32_t i = 1; i < 4; i += 2) cluster_expect_echo(clients[i], "still here");
  cluster.workers[0].owner = FIRST;
  int later = cluster_chat(&cluster);
  socket_expect_eof(later);
  engine_keep_owner(cluster.engines[0], FIRST);
  int kept = cluster_chat(&cluster);
  cluster_expect_echo(kept, "kept");
  for (uint32_t i = 0; i < 4; i++) close(clients[i]);
  close(later);
  close(kept);
  cluster_close(&cluster);
}
