/* Acceptor, engines and echo backend in threads; see cluster.h. */
#include "cluster.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct cluster *current;

static void *accept_clients(void *argument) {
  struct cluster *cluster = argument;
  struct pollfd wait = {.fd = acceptor_poll_fd(), .events = POLLIN};
  while (!atomic_load(&cluster->stopping)) {
    if (poll(&wait, 1, 20) <= 0) continue;
    acceptor_turn();
    atomic_fetch_add(&cluster->acceptor_turns, 1);
  }
  return NULL;
}

/* What one connection of the backend has said: a head is answered, what follows is echoed. */
static void serve(struct cluster *cluster, int fd) {
  char piece[4096];
  ssize_t count = recv(fd, piece, sizeof piece, 0);
  if (count <= 0) {
    close(fd);
    return;
  }
  bool head = count >= (ssize_t)strlen(CHAT_HEAD) && memcmp(piece, "GET /", 5) == 0;
  if (!head) {
    send(fd, piece, (size_t)count, MSG_NOSIGNAL);
  } else if (memcmp(piece, "GET /hold", 9) != 0) {
    send(fd, CHAT_SWITCH, strlen(CHAT_SWITCH), MSG_NOSIGNAL);
  } else {
    atomic_fetch_add(&cluster->held, 1);
  }
}

static void *echo(void *argument) {
  struct cluster *cluster = argument;
  int epfd = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = cluster->backend};
  CHECK(epfd >= 0 && epoll_ctl(epfd, EPOLL_CTL_ADD, cluster->backend, &event) == 0);
  while (!atomic_load(&cluster->stopping)) {
    if (epoll_wait(epfd, &event, 1, 20) <= 0) continue;
    if (event.data.fd != cluster->backend) {
      serve(cluster, event.data.fd);
      continue;
    }
    int fd = accept4(cluster->backend, NULL, NULL, SOCK_CLOEXEC);
    event = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
    if (fd >= 0) CHECK(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == 0);
  }
  close(epfd);
  return NULL;
}

struct metering {
  uint64_t *cells;
  uint32_t groups;
};

static void open_all(struct cluster *cluster, uint32_t count, const struct engine_options *options,
                     const struct metering *metering) {
  struct engine_options fallback = embedder_options();
  const char *syscall_name = "";
  memset(cluster, 0, sizeof *cluster);
  current = cluster;
  cluster->count = count;
  cluster->backend = socket_listen(&cluster->backend_port, 0);
  struct listen_options listen = {
      .address = "127.0.0.1", .backlog = 1024, .identity = {.tag = 3, .log_fields = "\"by\":\"listener\""}};
  if (acceptor_listen(&listen, &cluster->port, &syscall_name) < 0) test_fail(__FILE__, __LINE__, "%s", syscall_name);
  for (uint32_t i = 0; i < count; i++) {
    cluster->engines[i] = engine_create(options != NULL ? options : &fallback);
    embedder_init(&cluster->workers[i], cluster->engines[i]);
    cluster->workers[i].backend_port = cluster->backend_port;
    cluster->workers[i].log_ended = false;
    uint32_t groups = metering->groups;
    if (groups > 0) CHECK(engine_set_meters(cluster->engines[i], metering->cells + i * groups * METER_CELLS, groups));
    embedder_start(&cluster->workers[i]);
  }
  for (uint32_t i = 0; i < count; i++) EVENTUALLY(cluster_stats(cluster, i).state == ENGINE_READY);
  CHECK(pthread_create(&cluster->echo_thread, NULL, echo, cluster) == 0);
}

void cluster_open(struct cluster *cluster, uint32_t count, const struct engine_options *options) {
  open_all(cluster, count, options, &(struct metering){NULL, 0});
}

void cluster_open_metered(struct cluster *cluster, uint32_t count, uint64_t *cells, uint32_t groups) {
  open_all(cluster, count, NULL, &(struct metering){cells, groups});
}

void cluster_run(struct cluster *cluster) {
  cluster->own_acceptor = true;
  CHECK(acceptor_run() && acceptor_run()); /* once is enough */
  acceptor_start();
}

void cluster_accept(struct cluster *cluster) {
  acceptor_start();
  CHECK(pthread_create(&cluster->acceptor_thread, NULL, accept_clients, cluster) == 0);
}

void cluster_close(struct cluster *cluster) {
  EVENTUALLY(cluster_active(cluster) == 0);
  atomic_store(&cluster->stopping, true);
  if (!cluster->own_acceptor) pthread_join(cluster->acceptor_thread, NULL);
  acceptor_pause();
  acceptor_close();
  pthread_join(cluster->echo_thread, NULL);
  for (uint32_t i = 0; i < cluster->count; i++) embedder_stop(&cluster->workers[i]);
  for (uint32_t i = 0; i < cluster->count; i++) {
    struct engine_stats stats = cluster_stats(cluster, i);
    CHECK_EQ(stats.opened, stats.closed);
    CHECK_EQ(stats.queued, 0);
    CHECK_EQ(stats.spliced, 0);
    CHECK_EQ(stats.log_records + stats.log_drops, stats.opened);
    embedder_free(&cluster->workers[i]);
  }
  uint64_t clients = 1, limit = 0;
  bool paused = false;
  acceptor_descriptors(&clients, &limit, &paused);
  CHECK_EQ(clients, 0);
  close(cluster->backend);
}

static void hang(struct embedder *embedder, const struct event *event) {
  atomic_store(&current->hung, true);
  while (atomic_load(&current->hanging)) poll(NULL, 0, 1);
  embedder_proxy(embedder, event);
}

/* A client's request brings the worker into its delivery; the client is answered when it goes on. */
void cluster_hang(struct cluster *cluster, uint32_t worker) {
  atomic_store(&cluster->hanging, true);
  embedder_stop(&cluster->workers[worker]);
  cluster->workers[worker].decide = hang;
  cluster->workers[worker].rounds_max = 1; /* it takes no further sockets once it goes on */
  embedder_start(&cluster->workers[worker]);
  EVENTUALLY(cluster_stats(cluster, worker).state == ENGINE_READY);
}

int cluster_chat(struct cluster *cluster) {
  int client = socket_dial(cluster->port, 0);
  EVENTUALLY(send(client, CHAT_HEAD, strlen(CHAT_HEAD), MSG_NOSIGNAL) > 0);
  socket_expect_text(client, CHAT_SWITCH);
  return client;
}

void cluster_expect_echo(int client, const char *text) {
  socket_send_text(client, text);
  socket_expect_text(client, text);
}

struct engine_stats cluster_stats(struct cluster *cluster, uint32_t engine) {
  struct engine_stats stats;
  engine_stats(cluster->engines[engine], &stats);
  return stats;
}

uint64_t cluster_active(struct cluster *cluster) {
  uint64_t active = 0;
  for (uint32_t i = 0; i < cluster->count; i++) {
    struct engine_stats stats = cluster_stats(cluster, i);
    active += stats.active + stats.queued;
  }
  return active;
}
