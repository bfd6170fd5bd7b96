/* Orders to end an endpoint's connections, without sockets: connections and the clock are made by hand. */
#include <stdlib.h>
#include <string.h>

#include "../internal.h"
#include "embedder.h"
#include "harness.h"

#define SLOT 5
#define OTHER 6

static struct engine *engine;
static struct listener listener = {.references = UINT32_MAX, .log_fields = "\"a\":1", .log_length = 5};

static void open_engine(uint32_t log_ring_bytes) {
  struct engine_options options = embedder_options();
  options.log_ring_bytes = log_ring_bytes;
  engine = engine_create(&options);
  CHECK(engine != NULL && engine_attach(engine, true));
  engine_clock(engine);
}

/* `slabs` full of connections: each second one is SLOT's, the rest are OTHER's. */
static uint32_t fill(uint32_t slabs) {
  for (uint32_t slab = 0; slab < slabs; slab++) {
    struct connection *places = calloc(SLAB_SIZE, sizeof *places);
    CHECK(places != NULL);
    for (uint32_t i = 0; i < SLAB_SIZE; i++) {
      places[i] = (struct connection){.index = slab * SLAB_SIZE + i, .listener = &listener, .state = STATE_SPLICED};
      places[i].slot = i % 2 == 0 ? SLOT : OTHER;
      places[i].client.fd = places[i].backend.fd = -1;
    }
    engine->slabs[engine->slab_count++] = places;
  }
  counter_add(&engine->active, slabs * SLAB_SIZE);
  counter_add(&engine->spliced, slabs * SLAB_SIZE);
  return slabs * SLAB_SIZE / 2;
}

/* Turns until every new order has been walked through; their number. */
static int walk(void) {
  int turns = 0;
  for (; endings_left(engine); turns++) endings_run(engine);
  return turns;
}

static int ascending(const void *a, const void *b) {
  uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
  return (left > right) - (left < right);
}

/* The moments that the slot's connections have got, in order; their number. */
static size_t moments_of(uint32_t slot, uint64_t *moments) {
  size_t count = 0;
  for (uint32_t index = 0; index < engine->slab_count * SLAB_SIZE; index++) {
    const struct connection *connection = connection_at(engine, index);
    if (connection->slot != slot || connection->ending_ms[ENDING_ENDPOINT] == 0) continue;
    moments[count++] = connection->ending_ms[ENDING_ENDPOINT];
  }
  qsort(moments, count, sizeof *moments, ascending);
  return count;
}

static void forward(uint64_t ms) {
  engine->now_ms += ms;
  do timer_run(engine);
  while (engine->bucket_left);
}

static uint64_t spliced(void) { return atomic_load(&engine->spliced); }

TEST(endings_spread_over_many_in_slices) {
  open_engine(0);
  uint32_t half = fill(400);
  static uint64_t moments[400 * SLAB_SIZE];
  uint64_t before = clock_us() / 1000;
  CHECK(engine_end_endpoint(engine, SLOT, REASON_ENDPOINT_DRAINING, 10000, 60000));
  uint64_t after = clock_us() / 1000;
  CHECK_EQ(walk(), 2 * (400 * SLAB_SIZE / ENDINGS_SLICE)); /* no turn walks through more than a slice */
  CHECK_EQ(moments_of(OTHER, moments), 0);
  CHECK_EQ(moments_of(SLOT, moments), half);
  CHECK(moments[0] >= before + 10000 && moments[0] <= after + 10000);
  CHECK_EQ(moments[half - 1] - moments[0], 60000);
  for (uint32_t i = 0; i < half; i++) CHECK_EQ(moments[i] - moments[0], 60000ull * i / (half - 1));
}

TEST(endings_of_one_connection_come_first) {
  open_engine(0);
  fill(1);
  connection_at(engine, 9)->slot = 77;
  CHECK(engine_end_endpoint(engine, 77, REASON_ENDPOINT_REMOVED, 500, 60000));
  walk();
  uint64_t moment = connection_at(engine, 9)->ending_ms[ENDING_ENDPOINT];
  CHECK(moment >= engine->now_ms + 500 && moment < engine->now_ms + 10000);
}

TEST(endings_replaced_and_taken_back) {
  open_engine(0);
  uint32_t half = fill(2);
  static uint64_t moments[2 * SLAB_SIZE];
  CHECK(engine_end_endpoint(engine, SLOT, REASON_ENDPOINT_UNHEALTHY, 0, 0));
  walk();
  CHECK(engine_end_endpoint(engine, SLOT, REASON_ENDPOINT_DRAINING, 60000, 0));
  forward(5000); /* before the walk: the moments of the first order say nothing any more */
  CHECK_EQ(spliced(), 4 * half / 2);
  walk();
  CHECK_EQ(moments_of(SLOT, moments), half);
  CHECK(moments[0] == moments[half - 1] && moments[0] >= engine->now_ms + 50000);
  engine_keep_endpoint(engine, SLOT);
  engine_keep_endpoint(engine, SLOT);
  engine_keep_endpoint(engine, OTHER);
  CHECK_EQ(atomic_load(&engine->endings.count), 0);
  forward(120000);
  CHECK_EQ(spliced(), 2 * half);
  CHECK_EQ(moments_of(SLOT, moments), 0);
  CHECK(engine_end_endpoint(engine, SLOT, REASON_ENDPOINT_DRAINING, 0, 1000)); /* and again */
  walk();
  forward(200000);
  CHECK_EQ(spliced(), half);
}

/* An order that comes in the middle of a walk waits for the next one; one that is replaced there is not finished. */
TEST(endings_asked_during_a_walk) {
  open_engine(0);
  uint32_t half = fill(64);
  static uint64_t moments[64 * SLAB_SIZE];
  CHECK(engine_end_endpoint(engine, SLOT, REASON_ENDPOINT_DRAINING, 1000, 1000));
  endings_run(engine);
  CHECK(engine_end_endpoint(engine, OTHER, REASON_ENDPOINT_REMOVED, 5000, 700));
  CHECK(engine_end_endpoint(engine, SLOT, REASON_ENDPOINT_DRAINING, 9000, 800));
  walk();
  CHECK_EQ(moments_of(SLOT, moments), half);
  CHECK_EQ(moments[half - 1] - moments[0], 800);
  CHECK_EQ(moments_of(OTHER, moments), half);
  CHECK_EQ(moments[half - 1] - moments[0], 700);
}

/* What is spliced later shares the window that is left; what comes behind it ends at once. */
TEST(endings_given_to_later_splices) {
  open_engine(0);
  fill(1);
  CHECK(engine_end_endpoint(engine, 77, REASON_ENDPOINT_DRAINING, 1000, 8000));
  uint64_t first = engine->endings.tables[ENDING_ENDPOINT].all[0].first_ms;
  static const uint64_t shares[] = {0, 4000, 2000, 6000, 1000, 5000, 3000, 7000};
  for (uint32_t i = 0; i < 8; i++) {
    struct connection *connection = connection_at(engine, i);
    connection->slot = 77;
    endings_apply(engine, connection); /* before the walk, and it gives no second moment */
  }
  walk();
  for (uint32_t i = 0; i < 8; i++) CHECK_EQ(connection_at(engine, i)->ending_ms[ENDING_ENDPOINT], first + shares[i]);
  engine->now_ms = first + 8001;
  connection_at(engine, 8)->slot = 77;
  endings_apply(engine, connection_at(engine, 8));
  CHECK_EQ(connection_at(engine, 8)->ending_ms[ENDING_ENDPOINT], engine->now_ms);
}

static uint64_t closed(enum reason reason) { return atomic_load(&engine->own_meter[METER_CLOSED + reason]); }

TEST(endings_and_other_limits_the_earlier_one) {
  open_engine(0);
  fill(1);
  for (uint32_t i = 0; i < 2; i++) {
    struct connection *connection = connection_at(engine, i);
    connection->slot = 77;
    connection->lifetime_ms = engine->now_ms + (i == 0 ? 1000 : 9000);
    timer_set(engine, connection, splice_deadline(connection));
  }
  CHECK(engine_end_endpoint(engine, 77, REASON_ENDPOINT_REMOVED, 5000, 0));
  walk();
  forward(2000);
  CHECK_EQ(closed(REASON_LIFETIME), 1);
  CHECK_EQ(closed(REASON_ENDPOINT_REMOVED), 0);
  forward(4000);
  CHECK_EQ(closed(REASON_LIFETIME), 1);
  CHECK_EQ(closed(REASON_ENDPOINT_REMOVED), 1);
  CHECK_EQ(spliced(), SLAB_SIZE - 2);
}

static void drive(void *embedder) { embedder_step(embedder, 1); }

/* Nobody reads the log: ends wait for it for a while, and then lose their records rather than stay. */
TEST(endings_wait_for_room_in_the_log) {
  struct embedder embedder;
  open_engine(2 * LOG_RECORD_MAX);
  embedder_init(&embedder, engine);
  harness_on_idle(drive, &embedder);
  uint32_t half = fill(4);
  static uint8_t log[4 * LOG_RECORD_MAX];
  CHECK(engine_end_endpoint(engine, SLOT, REASON_ENDPOINT_DRAINING, 0, 0));
  EVENTUALLY(!log_ring_has_room(&engine->log));
  uint64_t left = spliced();
  CHECK(left > half && left < 2 * half); /* as many as the log took */
  CHECK(engine_log_read(engine, log, sizeof log) > 0);
  EVENTUALLY(spliced() < left);
  CHECK_EQ(atomic_load(&engine->log.drops), 0);
  EVENTUALLY(spliced() == half);
  CHECK_EQ(closed(REASON_ENDPOINT_DRAINING), half);
}

/* A crowd that is due at once is ended over several turns. */
TEST(endings_of_a_crowd_are_bounded_in_a_turn) {
  open_engine(0);
  uint32_t half = fill(40);
  CHECK(engine_end_endpoint(engine, SLOT, REASON_ENDPOINT_UNHEALTHY, 0, 0));
  walk();
  engine->now_ms += 1000;
  int turns = 0;
  for (; spliced() > half; turns++) {
    uint64_t before = spliced();
    timer_run(engine);
    CHECK(before - spliced() <= 1024);
    CHECK(spliced() == half || engine->timer_fired);
  }
  CHECK(turns >= (int)(half / 1024));
}

TEST(endings_table_is_bounded) {
  open_engine(0);
  for (uint32_t slot = 0; slot < ENDINGS_MAX; slot++) {
    CHECK(engine_end_endpoint(engine, slot * 3, REASON_ENDPOINT_REMOVED, 0, 0));
  }
  CHECK(!engine_end_endpoint(engine, 1, REASON_ENDPOINT_REMOVED, 0, 0));
  CHECK(!engine_end_endpoint(engine, UINT32_MAX, REASON_ENDPOINT_REMOVED, 0, 0));
  CHECK(engine_end_endpoint(engine, 3, REASON_ENDPOINT_REMOVED, 7, 0)); /* replaced, not added */
  for (uint32_t slot = 0; slot < ENDINGS_MAX; slot += 2) engine_keep_endpoint(engine, slot * 3);
  CHECK_EQ(atomic_load(&engine->endings.count), ENDINGS_MAX / 2);
  for (uint32_t slot = 0; slot < ENDINGS_MAX; slot += 2) {
    CHECK(engine_end_endpoint(engine, slot * 3 + 1, REASON_ENDPOINT_REMOVED, 0, 0));
  }
  CHECK(!engine_end_endpoint(engine, 2, REASON_ENDPOINT_REMOVED, 0, 0));
}
