/* The timer wheel and the close reasons, without sockets: connections are made by hand, the clock is set by hand. */
#include <string.h>

#include "../internal.h"
#include "embedder.h"
#include "harness.h"

static struct engine *engine;
static uint64_t fired[64];

/* A connection in handshake whose client is a descriptor that nobody else has: its end is its timer's. */
static struct connection *place(struct connection *connection, uint64_t deadline_ms) {
  static struct listener listener = {.references = UINT32_MAX, .log_fields = "\"a\":1", .log_length = 5};
  memset(connection, 0, sizeof *connection);
  connection->state = STATE_CONNECTING;
  connection->slot = UINT32_MAX;
  connection->listener = &listener;
  connection->client.fd = connection->backend.fd = -1;
  connection->deadline_ms = deadline_ms;
  timer_set(engine, connection, deadline_ms);
  return connection;
}

static void open_engine(void) {
  struct engine_options options = embedder_options();
  engine = engine_create(&options);
  CHECK(engine != NULL && engine_attach(engine, true));
  engine_clock(engine);
  engine->now_ms = engine->wheel_tick * WHEEL_TICK_MS;
  memset(fired, 0, sizeof fired);
}

/* Runs the clock on in steps; notes when each connection's limit was noticed. */
static void run(struct connection *connections, size_t count, uint64_t until_ms, uint64_t step_ms) {
  while (engine->now_ms < until_ms) {
    engine->now_ms += step_ms;
    timer_run(engine);
    for (size_t i = 0; i < count; i++) {
      if (fired[i] == 0 && connections[i].state != STATE_CONNECTING) fired[i] = engine->now_ms;
    }
  }
}

static void expect_fired(size_t i, uint64_t deadline_ms, uint64_t late_ms) {
  if (fired[i] >= deadline_ms && fired[i] <= deadline_ms + late_ms) return;
  test_fail(__FILE__, __LINE__, "limit %zu fired %lld ms behind its deadline", i, (long long)(fired[i] - deadline_ms));
}

static void finish(struct connection *connections, size_t count) {
  for (size_t i = 0; i < count; i++) {
    timer_clear(engine, &connections[i]);
    handshake_free(&connections[i]);
  }
  engine->notice_head = engine->notice_tail = NULL;
}

TEST(timer_fires_in_order_and_never_early) {
  open_engine();
  struct connection connections[64];
  struct prng prng = prng_new(harness_seed(5));
  uint64_t start = engine->now_ms, deadlines[64];
  for (size_t i = 0; i < 64; i++) {
    deadlines[i] = start + prng_range(&prng, 0, 90000); /* several turns of the wheel */
    place(&connections[i], deadlines[i]);
  }
  run(connections, 64, start + 91000, 7);
  for (size_t i = 0; i < 64; i++) expect_fired(i, deadlines[i], 2 * WHEEL_TICK_MS + 7);
  finish(connections, 64);
}

TEST(timer_moves_lazily) {
  open_engine();
  struct connection connections[3];
  uint64_t start = engine->now_ms;
  place(&connections[0], start + 1000);
  connections[0].deadline_ms = start + 30000; /* moved away: nothing is told to the wheel */
  place(&connections[1], start + 30000);
  connections[1].deadline_ms = start + 500; /* comes nearer */
  timer_set(engine, &connections[1], start + 500);
  place(&connections[2], start + 1000);
  connections[2].deadline_ms = 0; /* no limit any more */
  run(connections, 3, start + 40000, 10);
  expect_fired(0, start + 30000, 50);
  expect_fired(1, start + 500, 50);
  CHECK_EQ(fired[2], 0);
  CHECK_EQ(connections[2].wheel_bucket, 0);
  finish(connections, 3);
}

TEST(timer_cleared_does_not_fire) {
  open_engine();
  struct connection connections[3];
  uint64_t start = engine->now_ms;
  for (size_t i = 0; i < 3; i++) place(&connections[i], start + 100); /* one bucket: first, middle and last */
  for (size_t i = 0; i < 3; i++) {
    timer_clear(engine, &connections[(i + 1) % 3]);
    timer_clear(engine, &connections[(i + 1) % 3]); /* twice is once */
  }
  run(connections, 3, start + 1000, 10);
  for (size_t i = 0; i < 3; i++) CHECK_EQ(fired[i], 0);
  for (size_t i = 0; i < WHEEL_BUCKETS / 64; i++) CHECK_EQ(engine->wheel_bits[i], 0);
  finish(connections, 3);
}

TEST(timer_after_a_long_pause) {
  open_engine();
  struct connection connections[4];
  uint64_t start = engine->now_ms;
  place(&connections[0], start + 50);
  place(&connections[1], start + 19000);
  place(&connections[2], start + 100000);
  place(&connections[3], start + 3700000);
  run(connections, 4, start + 3600000, 3600000); /* one turn an hour later */
  for (size_t i = 0; i < 3; i++) CHECK_EQ(fired[i], start + 3600000);
  CHECK_EQ(fired[3], 0);
  run(connections, 4, start + 3702000, 20);
  expect_fired(3, start + 3700000, 60);
  finish(connections, 4);
}

TEST(timer_is_set_for_every_decision) {
  open_engine();
  struct connection connection;
  place(&connection, engine->now_ms + 100);
  run(&connection, 1, engine->now_ms + 200, 20);
  CHECK_EQ(connection.state, STATE_DECIDING);
  CHECK(connection.wheel_bucket != 0); /* or nobody would notice that nobody decides */
  finish(&connection, 1);
}

TEST(reasons_have_texts_both_ways) {
  CHECK_EQ(reason_parse("client-closed"), REASON_CLIENT_CLOSED);
  CHECK_EQ(reason_parse("backend-truncated"), REASON_BACKEND_TRUNCATED);
  CHECK_EQ(reason_parse(""), -1);
  CHECK_EQ(reason_parse("client-closed "), -1);
  for (int i = 0; i < REASON_COUNT; i++) CHECK_EQ(reason_parse(reason_text((enum reason)i)), i);
}
