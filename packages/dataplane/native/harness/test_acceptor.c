/* The acceptor without room: full queues, no worker, no descriptors; it waits without spinning, and comes back. */
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cluster.h"

static struct cluster cluster;

static bool is_paused(void) {
  uint64_t clients, limit;
  bool paused = false;
  acceptor_descriptors(&clients, &limit, &paused);
  return paused;
}

/* While it waits, the acceptor looks again every 20 ms and no more often. */
static void expect_no_spinning(void) {
  uint64_t start = harness_now_ms(), before = atomic_load(&cluster.acceptor_turns);
  while (harness_now_ms() < start + 200) harness_idle();
  uint64_t turns = atomic_load(&cluster.acceptor_turns) - before, passed = harness_now_ms() - start;
  CHECK(turns <= 4 + passed / 5);
}

static void set_descriptor_limit(uint64_t limit) {
  struct rlimit old;
  CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
  CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = limit, .rlim_max = old.rlim_max}) == 0);
}

static void dial_many(int *clients, int count) {
  for (int i = 0; i < count; i++) {
    clients[i] = socket_dial(cluster.port, 0);
    EVENTUALLY(send(clients[i], CHAT_HEAD, strlen(CHAT_HEAD), 0) > 0);
  }
}

static void expect_served(int *clients, int from, int to) {
  for (int i = from; i < to; i++) {
    socket_expect_text(clients[i], CHAT_SWITCH);
    cluster_expect_echo(clients[i], "hello");
  }
}

TEST(acceptor_waits_for_a_full_queue) {
  enum { CLIENTS = 40 };
  int clients[CLIENTS];
  struct engine_options options = embedder_options();
  options.queue_max = 4;
  cluster_open(&cluster, 1, &options);
  cluster_hang(&cluster, 0);
  cluster_accept(&cluster);
  dial_many(clients, 1);
  EVENTUALLY(atomic_load(&cluster.hung));
  dial_many(clients + 1, CLIENTS - 1);
  EVENTUALLY(is_paused() && cluster_stats(&cluster, 0).queued == 4);
  expect_no_spinning();
  atomic_store(&cluster.hanging, false);
  expect_served(clients, 0, CLIENTS);
  for (int i = 0; i < CLIENTS; i++) close(clients[i]);
  cluster_close(&cluster);
}

TEST(acceptor_waits_for_connections_to_end) {
  enum { CLIENTS = 12, MOST = 5 };
  int clients[CLIENTS];
  struct engine_options options = embedder_options();
  options.connections_max = MOST;
  cluster_open(&cluster, 1, &options);
  cluster_accept(&cluster);
  dial_many(clients, CLIENTS);
  EVENTUALLY(is_paused() && cluster_stats(&cluster, 0).spliced == MOST);
  CHECK_EQ(cluster_active(&cluster), MOST);
  for (int i = 0; i < CLIENTS; i++) {
    expect_served(clients, i, i + 1);
    close(clients[i]);
  }
  cluster_close(&cluster);
}

TEST(acceptor_waits_for_a_worker) {
  enum { CLIENTS = 10 };
  int clients[CLIENTS];
  cluster_open(&cluster, 1, NULL);
  embedder_stop(&cluster.workers[0]);
  cluster_accept(&cluster);
  dial_many(clients, CLIENTS);
  EVENTUALLY(is_paused());
  expect_no_spinning();
  CHECK_EQ(cluster_active(&cluster), 0);
  embedder_start(&cluster.workers[0]);
  expect_served(clients, 0, CLIENTS);
  CHECK(!is_paused());
  for (int i = 0; i < CLIENTS; i++) close(clients[i]);
  cluster_close(&cluster);
}

TEST(acceptor_keeps_descriptors_for_backends) {
  enum { CLIENTS = 30, MOST = 10 };
  int clients[CLIENTS];
  cluster_open(&cluster, 1, NULL);
  set_descriptor_limit((uint64_t)harness_descriptors() + 3 + 64 + 2 * MOST); /* the acceptor counts "." and ".." too */
  cluster_accept(&cluster);
  dial_many(clients, CLIENTS);
  EVENTUALLY(is_paused() && cluster_stats(&cluster, 0).spliced > 0);
  expect_no_spinning();
  uint64_t opened = cluster_stats(&cluster, 0).opened;
  CHECK(opened <= MOST && opened >= MOST - 3); /* the cluster's own threads open one or two */
  for (int i = 0; i < CLIENTS; i++) {
    expect_served(clients, i, i + 1);
    close(clients[i]);
  }
  cluster_close(&cluster);
}

TEST(acceptor_out_of_descriptors_does_not_spin) {
  int clients[3];
  cluster_open(&cluster, 1, NULL);
  cluster_accept(&cluster);
  close(cluster_chat(&cluster));
  EVENTUALLY(cluster_active(&cluster) == 0);
  dial_many(clients, 1);
  expect_served(clients, 0, 1);
  clients[1] = socket_dial(cluster.port, 0); /* accepted, or not any more */
  clients[2] = socket_dial(cluster.port, 0);
  int lowest = dup(0);
  close(lowest);
  set_descriptor_limit((uint64_t)lowest); /* not one more: accept4 says EMFILE */
  harness_idle();
  expect_no_spinning();
  set_descriptor_limit(1024);
  int last = cluster_chat(&cluster);
  cluster_expect_echo(last, "back again");
  close(last);
  for (int i = 0; i < 3; i++) close(clients[i]);
  cluster_close(&cluster);
}

TEST(acceptor_pauses_and_starts) {
  uint16_t port = 0, again = 0;
  const char *name = "";
  struct listen_options listen = {.address = "127.0.0.1", .backlog = 16, .identity.log_fields = "\"a\":1"};
  CHECK_EQ(acceptor_listen(&listen, &port, &name), 0);
  listen.port = port;
  CHECK_EQ(acceptor_listen(&listen, &again, &name), -1);
  CHECK(strcmp(name, "bind") == 0);
  listen.address = "nonsense";
  CHECK_EQ(acceptor_listen(&listen, &again, &name), -1);
  CHECK(strcmp(name, "inet_pton") == 0);
  struct pollfd wait = {.fd = acceptor_poll_fd(), .events = POLLIN};
  int client = socket_dial(port, 0);
  CHECK_EQ(poll(&wait, 1, 50), 0); /* not asked to accept yet */
  acceptor_start();
  CHECK_EQ(poll(&wait, 1, 1000), 1);
  acceptor_turn(); /* there is no engine */
  CHECK(is_paused());
  acceptor_pause();
  CHECK(!is_paused());
  acceptor_close();
  acceptor_close();
  close(client);
}
