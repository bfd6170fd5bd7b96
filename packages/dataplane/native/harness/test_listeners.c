/* Listeners that come, change and go while others are accepted from: sockets, numbers, and what connections keep. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cluster.h"

#define CYCLES 1000

static struct cluster cluster;

static int listen_more(uint32_t tag, uint16_t *port) {
  const char *name = "";
  struct listen_options listen = {.address = "127.0.0.1",
                                  .port = *port,
                                  .backlog = 16,
                                  .identity = {.tag = tag, .log_fields = "\"by\":\"another\""}};
  return acceptor_listen(&listen, port, &name);
}

static bool is_open(uint16_t port) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool connected = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
  CHECK(connected || errno == ECONNREFUSED);
  close(fd);
  return connected;
}

static int chat_at(uint16_t port) {
  uint16_t usual = cluster.port;
  cluster.port = port;
  int client = cluster_chat(&cluster);
  cluster.port = usual;
  return client;
}

static uint32_t last_tag(void) { return embedder_last(&cluster.workers[0], EVENT_REQUEST).tag; }

TEST(listeners_join_while_others_accept) {
  cluster_open(&cluster, 1, NULL);
  cluster_run(&cluster);
  int before = cluster_chat(&cluster);
  uint16_t port = 0;
  int number = listen_more(9, &port);
  CHECK_EQ(number, 1);
  int client = chat_at(port);
  CHECK_EQ(last_tag(), 9);
  cluster_expect_echo(client, "joined");
  CHECK_EQ(acceptor_close_listener((uint32_t)number), LISTENER_DONE);
  CHECK(!is_open(port));
  cluster_expect_echo(client, "lives on");
  cluster_expect_echo(before, "untouched");
  int after = cluster_chat(&cluster);
  CHECK_EQ(last_tag(), 3);
  CHECK_EQ(acceptor_close_listener((uint32_t)number), LISTENER_CLOSED);
  CHECK_EQ(acceptor_close_listener((uint32_t)number + 1), LISTENER_UNKNOWN);
  CHECK_EQ(acceptor_close_listener(UINT32_MAX), LISTENER_UNKNOWN);
  close(client);
  close(before);
  close(after);
  cluster_close(&cluster);
}

/* What is held has its clients wait, whatever accepting as a whole does meanwhile; nobody is refused. */
TEST(listeners_that_are_held_wait) {
  cluster_open(&cluster, 1, NULL);
  cluster_run(&cluster);
  const char *name = "";
  uint16_t port = 0;
  struct listen_options listen = {
      .address = "127.0.0.1", .backlog = 16, .held = true, .identity = {.tag = 9, .log_fields = ""}};
  int number = acceptor_listen(&listen, &port, &name);
  int waiting = socket_dial(port, 0);
  acceptor_pause();
  acceptor_start();
  int other = cluster_chat(&cluster); /* accepted behind the one that waits */
  CHECK_EQ(cluster_active(&cluster), 1);
  CHECK_EQ(acceptor_admit_listener((uint32_t)number), LISTENER_DONE);
  EVENTUALLY(cluster_active(&cluster) == 2);
  acceptor_pause();
  acceptor_start();
  int client = chat_at(port);
  CHECK_EQ(last_tag(), 9);
  CHECK_EQ(acceptor_close_listener((uint32_t)number), LISTENER_DONE);
  CHECK_EQ(acceptor_admit_listener((uint32_t)number), LISTENER_CLOSED);
  CHECK_EQ(acceptor_admit_listener((uint32_t)number + 1), LISTENER_UNKNOWN);
  close(waiting);
  close(client);
  close(other);
  cluster_close(&cluster);
}

/* A number is never given again, so closing twice closes nobody else's socket, whatever place it has got. */
TEST(listeners_number_names_one_socket) {
  cluster_open(&cluster, 1, NULL);
  cluster_run(&cluster);
  uint16_t port = 0, again = 0;
  int first = listen_more(1, &port);
  CHECK_EQ(acceptor_close_listener((uint32_t)first), LISTENER_DONE);
  again = port; /* the same port at once */
  int second = listen_more(2, &again);
  CHECK(second > first && again == port);
  CHECK_EQ(acceptor_close_listener((uint32_t)first), LISTENER_CLOSED);
  int client = chat_at(port);
  CHECK_EQ(last_tag(), 2);
  close(client);
  cluster_close(&cluster);
}

/* A silent client writes its record with its listener's fields, long after that has gone or has another name. */
TEST(listeners_leave_their_name_to_connections) {
  struct engine_options options = embedder_options();
  options.request_head_timeout_ms = 60000;
  cluster_open(&cluster, 1, &options);
  cluster_run(&cluster);
  uint16_t port = 0;
  int number = listen_more(5, &port);
  int silent = socket_dial(port, 0);
  EVENTUALLY(cluster_active(&cluster) == 1);
  struct listener_identity renamed = {.tag = 6, .log_fields = "\"by\":\"renamed\""};
  CHECK_EQ(acceptor_identify_listener((uint32_t)number, &renamed), LISTENER_DONE);
  CHECK_EQ(acceptor_identify_listener((uint32_t)number + 1, &renamed), LISTENER_UNKNOWN);
  int second = chat_at(port);
  CHECK_EQ(last_tag(), 6);
  int silent_too = socket_dial(port, 0);
  EVENTUALLY(cluster_active(&cluster) == 3);
  CHECK_EQ(acceptor_close_listener((uint32_t)number), LISTENER_DONE);
  CHECK_EQ(acceptor_identify_listener((uint32_t)number, &renamed), LISTENER_CLOSED);
  close(second);
  EVENTUALLY(cluster_active(&cluster) == 2);
  static char log[1 << 14];
  CHECK(engine_log_read(cluster.engines[0], (uint8_t *)log, sizeof log - 1) > 0);
  memset(log, 0, sizeof log);
  close(silent);
  EVENTUALLY(cluster_active(&cluster) == 1);
  CHECK(engine_log_read(cluster.engines[0], (uint8_t *)log, sizeof log - 1) > 0);
  CHECK(strstr(log, "\"by\":\"another\"") != NULL);
  memset(log, 0, sizeof log);
  close(silent_too);
  EVENTUALLY(cluster_active(&cluster) == 0);
  CHECK(engine_log_read(cluster.engines[0], (uint8_t *)log, sizeof log - 1) > 0);
  CHECK(strstr(log, "\"by\":\"renamed\"") != NULL);
  cluster_close(&cluster);
}

TEST(listeners_have_a_limit_and_give_room_back) {
  uint16_t ports[LISTENERS_MAX];
  int numbers[LISTENERS_MAX];
  cluster_open(&cluster, 1, NULL);
  cluster_run(&cluster);
  for (uint32_t i = 0; i < LISTENERS_MAX - 1; i++) {
    ports[i] = 0;
    numbers[i] = listen_more(i, &ports[i]);
    CHECK(numbers[i] >= 0);
  }
  uint16_t port = 0;
  CHECK_EQ(listen_more(1, &port), -1);
  CHECK_EQ(errno, ENOSPC);
  CHECK_EQ(acceptor_close_listener((uint32_t)numbers[7]), LISTENER_DONE);
  CHECK_EQ(listen_more(77, &port), LISTENERS_MAX);
  int client = chat_at(port), other = chat_at(ports[LISTENERS_MAX - 2]);
  close(client);
  close(other);
  cluster_close(&cluster);
}

/* A reload's life, many times over, with clients that come and go: no descriptor and no listener is left over. */
TEST(listeners_come_and_go_under_load) {
  cluster_open(&cluster, 2, NULL);
  cluster_run(&cluster);
  int staying = cluster_chat(&cluster), descriptors = harness_descriptors();
  for (uint32_t cycle = 0; cycle < CYCLES; cycle++) {
    uint16_t port = 0;
    int number = listen_more(cycle, &port);
    CHECK_EQ(number, (int)cycle + 1);
    int dialled = socket_dial(port, 0); /* accepted, or reset with its listener */
    int client = cycle % 50 == 0 ? chat_at(port) : -1;
    CHECK_EQ(acceptor_close_listener((uint32_t)number), LISTENER_DONE);
    if (client >= 0) cluster_expect_echo(client, "under way");
    if (client >= 0) close(client);
    close(dialled);
    static uint8_t log[1 << 14];
    for (uint32_t i = 0; i < 2; i++) engine_log_read(cluster.engines[i], log, sizeof log);
  }
  cluster_expect_echo(staying, "all along");
  EVENTUALLY(cluster_active(&cluster) == 1 && harness_descriptors() == descriptors);
  CHECK_EQ(acceptor_close_listener(CYCLES + 1), LISTENER_UNKNOWN);
  close(staying);
  cluster_close(&cluster);
}

/* While nobody takes sockets the acceptor waits; a listener that comes then is served afterwards, one that goes is gone. */
TEST(listeners_come_and_go_while_it_waits) {
  cluster_open(&cluster, 1, NULL);
  embedder_stop(&cluster.workers[0]);
  cluster_run(&cluster);
  int waiting = socket_dial(cluster.port, 0);
  EVENTUALLY(acceptor_waits() == WAIT_ENGINES);
  uint16_t kept = 0, gone = 0;
  CHECK_EQ(listen_more(1, &kept), 1);
  CHECK_EQ(listen_more(2, &gone), 2);
  CHECK_EQ(acceptor_close_listener(2), LISTENER_DONE);
  CHECK(!is_open(gone));
  embedder_start(&cluster.workers[0]);
  int client = chat_at(kept);
  EVENTUALLY(acceptor_waits() == WAIT_NONE);
  close(client);
  close(waiting);
  cluster_close(&cluster);
}
