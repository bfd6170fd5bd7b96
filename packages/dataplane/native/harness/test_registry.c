/* Engines between threads: traffic, deaths, adoption, succession; read from every side at once. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cluster.h"

static struct cluster cluster;

#define CLIENT_THREADS 3
#define CLIENTS_EACH 60

static void *churn(void *argument) {
  struct prng prng = prng_new(17 + (uint64_t)(uintptr_t)argument);
  for (int i = 0; i < CLIENTS_EACH; i++) {
    int client = cluster_chat(&cluster);
    for (uint32_t left = prng_range(&prng, 0, 5); left > 0; left--) cluster_expect_echo(client, "hello");
    if (prng_range(&prng, 0, 1)) {
      close(client);
    } else {
      socket_reset(client);
    }
  }
  return NULL;
}

struct watch {
  _Atomic bool stopping;
  uint64_t lines;
};

/* What the primary does: it reads the statistics and the access logs. */
static void *watch(void *argument) {
  struct watch *watch = argument;
  static uint8_t log[4096];
  for (bool last = false; !last;) {
    last = atomic_load(&watch->stopping);
    for (uint32_t i = 0; i < cluster.count; i++) {
      CHECK(cluster_stats(&cluster, i).active < 1000);
      size_t length;
      while ((length = engine_log_read(cluster.engines[i], log, sizeof log)) > 0) {
        for (size_t at = 0; at < length; at++) watch->lines += log[at] == '\n';
      }
    }
  }
  return NULL;
}

TEST(registry_traffic_over_two_threads) {
  struct watch watching = {0};
  pthread_t watcher, clients[CLIENT_THREADS];
  cluster_open(&cluster, 2, NULL);
  cluster_run(&cluster);
  CHECK(pthread_create(&watcher, NULL, watch, &watching) == 0);
  for (uintptr_t i = 0; i < CLIENT_THREADS; i++) CHECK(pthread_create(&clients[i], NULL, churn, (void *)i) == 0);
  for (int i = 0; i < CLIENT_THREADS; i++) pthread_join(clients[i], NULL);
  cluster_close(&cluster);
  atomic_store(&watching.stopping, true);
  pthread_join(watcher, NULL);
  CHECK_EQ(watching.lines, CLIENT_THREADS * CLIENTS_EACH);
  for (uint32_t i = 0; i < 2; i++) CHECK(cluster_stats(&cluster, i).opened > CLIENT_THREADS * CLIENTS_EACH / 8);
}

TEST(registry_fewest_connections_first) {
  enum { CLIENTS = 40 };
  int clients[CLIENTS];
  cluster_open(&cluster, 2, NULL);
  cluster_run(&cluster);
  for (int i = 0; i < CLIENTS; i++) clients[i] = cluster_chat(&cluster);
  CHECK_EQ(cluster_stats(&cluster, 0).active, CLIENTS / 2);
  CHECK_EQ(cluster_stats(&cluster, 1).active, CLIENTS / 2);
  for (int i = 0; i < CLIENTS; i++) close(clients[i]);
  cluster_close(&cluster);
}

/* How often the text stands in the access logs so far. */
static size_t count_in_logs(const char *text) {
  static char log[1 << 16];
  static size_t length;
  for (uint32_t i = 0; i < cluster.count; i++) {
    length += engine_log_read(cluster.engines[i], (uint8_t *)log + length, sizeof log - 1 - length);
  }
  size_t found = 0;
  for (const char *at = log; (at = strstr(at, text)) != NULL; at++) found++;
  return found;
}

/* One engine, so that everybody is its client: handshakes end, streams go on under two more threads. */
TEST(registry_death_adoption_and_succession) {
  enum { STREAMS = 10, HELD = 5 };
  int streams[STREAMS], held[HELD];
  cluster_open(&cluster, 1, NULL);
  cluster_run(&cluster);
  for (int i = 0; i < STREAMS; i++) streams[i] = cluster_chat(&cluster);
  for (int i = 0; i < HELD; i++) {
    held[i] = socket_dial(cluster.port, 0);
    EVENTUALLY(send(held[i], HELD_HEAD, strlen(HELD_HEAD), 0) > 0);
  }
  int partial = socket_dial(cluster.port, 0);
  EVENTUALLY(send(partial, CHAT_HEAD, 10, 0) > 0);
  EVENTUALLY(atomic_load(&cluster.held) == HELD && cluster_active(&cluster) == STREAMS + HELD + 1);

  embedder_stop(&cluster.workers[0]);
  for (int i = 0; i < HELD; i++) {
    socket_expect_eof(held[i]);
    close(held[i]);
  }
  CHECK_EQ(count_in_logs("\"closeReason\":\"worker-lost\""), HELD);
  CHECK_EQ(cluster_stats(&cluster, 0).state, ENGINE_DEAD);
  for (int i = 0; i < STREAMS; i++) socket_send_text(streams[i], "into the void");

  cluster.workers[0].deciding = false;
  embedder_start(&cluster.workers[0]);
  for (int i = 0; i < STREAMS; i++) {
    socket_expect_text(streams[i], "into the void");
    cluster_expect_echo(streams[i], "adopted");
  }
  socket_send_text(partial, CHAT_HEAD + 10);
  close(streams[0]);
  EVENTUALLY(cluster_active(&cluster) == STREAMS);
  embedder_stop(&cluster.workers[0]);

  cluster.workers[0].deciding = true;
  embedder_start(&cluster.workers[0]);
  socket_expect_text(partial, CHAT_SWITCH); /* its head has waited for somebody to decide */
  for (int i = 1; i < STREAMS; i++) cluster_expect_echo(streams[i], "succeeded");
  close(cluster_chat(&cluster));
  for (int i = 1; i < STREAMS; i++) close(streams[i]);
  close(partial);
  cluster_close(&cluster);
}

/* A worker that hangs collects sockets in its queue; when it dies, the other one gets them. */
TEST(registry_death_with_sockets_in_the_queue) {
  enum { CLIENTS = 30 };
  int clients[CLIENTS];
  cluster_open(&cluster, 2, NULL);
  cluster_hang(&cluster, 0);
  cluster_run(&cluster);
  for (int i = 0; i < CLIENTS; i++) {
    clients[i] = socket_dial(cluster.port, 0);
    EVENTUALLY(send(clients[i], CHAT_HEAD, strlen(CHAT_HEAD), 0) > 0);
    if (i == 1) EVENTUALLY(atomic_load(&cluster.hung)); /* each worker has one */
  }
  EVENTUALLY(cluster_active(&cluster) == CLIENTS && cluster_stats(&cluster, 0).queued > 0);
  uint64_t inside = cluster_stats(&cluster, 0).active;
  atomic_store(&cluster.workers[0].stopping, true);
  atomic_store(&cluster.hanging, false);
  embedder_stop(&cluster.workers[0]);
  CHECK_EQ(cluster_stats(&cluster, 0).queued, 0);
  cluster.workers[0].deciding = false; /* what it had spliced goes on elsewhere */
  embedder_start(&cluster.workers[0]);
  uint64_t lost = 0;
  for (int i = 0; i < CLIENTS; i++) {
    char answer[100];
    ssize_t count = -1;
    EVENTUALLY((count = read(clients[i], answer, strlen(CHAT_SWITCH))) >= 0 || errno != EAGAIN);
    if (count > 0) {
      cluster_expect_echo(clients[i], "alive");
    } else {
      lost++;
    }
    close(clients[i]);
  }
  CHECK(lost <= inside); /* those whose handshake it had begun, and nobody else */
  cluster_close(&cluster);
}

TEST(registry_deaths_under_load) {
  pthread_t clients[CLIENT_THREADS];
  cluster_open(&cluster, 2, NULL);
  cluster_run(&cluster);
  for (uintptr_t i = 0; i < 1; i++) CHECK(pthread_create(&clients[i], NULL, churn, (void *)i) == 0);
  int streams[6];
  for (int i = 0; i < 6; i++) streams[i] = cluster_chat(&cluster);
  pthread_join(clients[0], NULL);
  for (int round = 0; round < 20; round++) {
    struct embedder *victim = &cluster.workers[round % 2];
    int opening = socket_dial(cluster.port, 0); /* may be lost with the victim */
    send(opening, CHAT_HEAD, strlen(CHAT_HEAD), 0);
    embedder_stop(victim);
    embedder_start(victim);
    for (int i = 0; i < 6; i++) cluster_expect_echo(streams[i], "still here");
    close(opening);
  }
  for (int i = 0; i < 6; i++) close(streams[i]);
  cluster_close(&cluster);
}

static void *attach_often(void *argument) {
  static _Atomic int holders;
  uintptr_t won = 0;
  for (int i = 0; i < 20000; i++) {
    if (!engine_attach(argument, i % 2)) continue;
    CHECK_EQ(atomic_fetch_add(&holders, 1), 0);
    won++;
    atomic_fetch_sub(&holders, 1);
    engine_detach(argument);
  }
  return (void *)won;
}

TEST(registry_only_one_thread_attaches) {
  struct engine_options options = embedder_options();
  struct engine *engine = engine_create(&options);
  pthread_t threads[2];
  void *won = NULL;
  CHECK(engine != NULL && engine_count() == 1 && engine_get(0) == engine && engine_get(1) == NULL);
  for (int i = 0; i < 2; i++) CHECK(pthread_create(&threads[i], NULL, attach_often, engine) == 0);
  uintptr_t sum = 0;
  for (int i = 0; i < 2; i++) {
    pthread_join(threads[i], &won);
    sum += (uintptr_t)won;
  }
  CHECK(sum > 0);
  CHECK(engine_attach(engine, true) && !engine_attach(engine, true) && !engine_attach(engine, false));
  engine_detach(engine);
}

TEST(registry_close_all_from_another_thread) {
  enum { CLIENTS = 20 };
  int clients[CLIENTS];
  cluster_open(&cluster, 2, NULL);
  cluster_run(&cluster);
  for (int i = 0; i < CLIENTS; i++) clients[i] = cluster_chat(&cluster);
  for (uint32_t i = 0; i < 2; i++) engine_close_all(cluster.engines[i], REASON_DRAIN_TIMEOUT);
  for (int i = 0; i < CLIENTS; i++) {
    socket_expect_eof(clients[i]);
    close(clients[i]);
  }
  EVENTUALLY(cluster_active(&cluster) == 0);
  CHECK_EQ(count_in_logs("drain-timeout"), CLIENTS);
  cluster_close(&cluster);
}
