/* Orders to end an endpoint's connections, over real streams: reasons, later splices, deaths of workers, other threads. */
#include <string.h>
#include <unistd.h>

#include "cluster.h"
#include "rig.h"

static struct rig rig;
static struct cluster cluster;

static size_t count_in_log(const char *text) {
  rig_log_lines(&rig);
  size_t found = 0;
  for (const char *at = rig.log; (at = strstr(at, text)) != NULL; at++) found++;
  return found;
}

static void expect_alive(int client, int backend) {
  socket_send_text(client, "ping");
  socket_expect_text(backend, "ping");
  socket_send_text(backend, "pong");
  socket_expect_text(client, "pong");
}

static void expect_ended(int client, int backend) {
  socket_expect_eof(client);
  socket_expect_eof(backend);
  close(client);
  close(backend);
}

TEST(endings_live_one_endpoint_and_no_other) {
  enum { PAIRS = 6 };
  rig_open(&rig, NULL, 0);
  int clients[PAIRS], backends[PAIRS];
  for (uint32_t i = 0; i < PAIRS; i++) {
    rig.embedder.slot = i % 2;
    rig_splice(&rig, &clients[i], &backends[i]);
  }
  uint64_t start = harness_now_ms();
  CHECK(engine_end_endpoint(rig.engine, 1, REASON_ENDPOINT_UNHEALTHY, 100, 200));
  EVENTUALLY(count_in_log("\"closeReason\":\"endpoint-unhealthy\"") == 1);
  CHECK(harness_now_ms() - start >= 100); /* never early */
  EVENTUALLY(count_in_log("\"closeReason\":\"endpoint-unhealthy\"") == PAIRS / 2);
  CHECK(harness_now_ms() - start >= 300);
  for (uint32_t i = 0; i < PAIRS; i++) {
    if (i % 2 == 1) {
      expect_ended(clients[i], backends[i]);
    } else {
      expect_alive(clients[i], backends[i]);
      close(clients[i]);
      close(backends[i]);
    }
  }
  CHECK_EQ(rig.active[1], 0);
  rig_close(&rig);
}

TEST(endings_live_later_splices_and_taken_back) {
  rig_open(&rig, NULL, 0);
  int client, backend;
  CHECK(engine_end_endpoint(rig.engine, 0, REASON_ENDPOINT_REMOVED, 0, 0)); /* with no connection at all */
  rig_splice(&rig, &client, &backend);
  expect_ended(client, backend);
  rig_expect_log(&rig, "\"closeReason\":\"endpoint-removed\"");
  engine_keep_endpoint(rig.engine, 0);
  rig_splice(&rig, &client, &backend);
  expect_alive(client, backend);
  CHECK(engine_end_endpoint(rig.engine, 0, REASON_ENDPOINT_DRAINING, 1u << 30, 1u << 30));
  expect_alive(client, backend);
  CHECK(engine_end_endpoint(rig.engine, 0, REASON_ENDPOINT_DRAINING, 0, 0)); /* sooner */
  expect_ended(client, backend);
  EVENTUALLY(count_in_log("endpoint-draining") == 1);
  rig_close(&rig);
}

/* An order given while nobody drives the engine is its keeper's, and then its successor's. */
TEST(endings_live_survive_a_worker) {
  rig_open(&rig, NULL, 0);
  int client, backend, later, its_backend;
  rig_splice(&rig, &client, &backend);
  engine_detach(rig.engine);
  CHECK(engine_end_endpoint(rig.engine, 0, REASON_ENDPOINT_DRAINING, 0, 0));
  rig.embedder.deciding = false;
  CHECK(engine_attach(rig.engine, false));
  expect_ended(client, backend);
  engine_detach(rig.engine);
  rig.embedder.deciding = true;
  CHECK(engine_attach(rig.engine, true));
  engine_ready(rig.engine);
  rig_splice(&rig, &later, &its_backend);
  expect_ended(later, its_backend);
  CHECK_EQ(count_in_log("\"closeReason\":\"endpoint-draining\""), 2);
  rig_close(&rig);
}

struct orders {
  _Atomic bool stopping;
  uint32_t slots;
};

/* What the primary does, faster than any primary. */
static void *give_orders(void *argument) {
  struct orders *orders = argument;
  struct prng prng = prng_new(23);
  while (!atomic_load(&orders->stopping)) {
    uint32_t slot = prng_range(&prng, 0, orders->slots), engine = prng_next(&prng) % cluster.count;
    if (prng_range(&prng, 0, 2) == 0) {
      engine_keep_endpoint(cluster.engines[engine], slot);
    } else {
      uint32_t after_ms = prng_range(&prng, 0, 40), window_ms = prng_range(&prng, 0, 40);
      CHECK(engine_end_endpoint(cluster.engines[engine], slot, REASON_ENDPOINT_UNHEALTHY, after_ms, window_ms));
    }
    harness_idle();
  }
  return NULL;
}

TEST(endings_live_from_another_thread) {
  enum { CLIENTS = 60 };
  struct orders orders = {.slots = 3};
  pthread_t thread;
  int clients[CLIENTS];
  cluster_open(&cluster, 2, NULL);
  cluster_run(&cluster);
  CHECK(pthread_create(&thread, NULL, give_orders, &orders) == 0);
  for (int i = 0; i < CLIENTS; i++) clients[i] = cluster_chat(&cluster);
  atomic_store(&orders.stopping, true);
  pthread_join(thread, NULL);
  for (uint32_t i = 0; i < 2; i++) CHECK(engine_end_endpoint(cluster.engines[i], 0, REASON_ENDPOINT_REMOVED, 0, 50));
  for (int i = 0; i < CLIENTS; i++) {
    socket_expect_eof(clients[i]);
    close(clients[i]);
  }
  cluster_close(&cluster);
}
