/* WebSocket echo backend of the benchmark: every peer talks to this program, so it must cost little and be
 * honest. Message based like a real server: a frame is echoed when it is whole (up to 1 MiB), whatever the TCP
 * segments looked like; pings are answered, a close frame is answered and the connection closed by the server,
 * as RFC 6455 section 7.1.1 wants. A request that is no upgrade gets an empty 200.
 * One epoll loop a thread; each thread has its own listener (SO_REUSEPORT) and shares nothing.
 * Usage: echo-server [--port P] [--threads N]; prints {"port":P} when it listens. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo-connection.h"

enum { EVENTS_PER_TURN = 512, THREADS_MAX = 64 };

static int fail(const char *what) {
  fprintf(stderr, "echo-server: %s: %s\n", what, strerror(errno));
  return -1;
}

static int listen_on(uint16_t port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail("socket");
  int on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on))
    return fail("setsockopt");
  if (bind(fd, (struct sockaddr *)&address, sizeof address)) return fail("bind");
  if (listen(fd, 4096)) return fail("listen");
  return fd;
}

static void accept_all(int epoll, int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    struct echo_connection *connection = echo_open(epoll, fd);
    if (connection == NULL) close(fd);
  }
}

static void *serve(void *argument) {
  int listener = *(int *)argument;
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event events[EVENTS_PER_TURN] = {{.events = EPOLLIN, .data.ptr = NULL}};
  uint8_t *scratch = malloc(ECHO_SCRATCH_BYTES);
  if (epoll < 0 || scratch == NULL || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &events[0])) exit(1);
  for (;;) {
    int count = epoll_wait(epoll, events, EVENTS_PER_TURN, -1);
    if (count < 0 && errno != EINTR) exit(1);
    for (int i = 0; i < count; i++) {
      if (events[i].data.ptr == NULL) accept_all(epoll, listener);
      else echo_turn(events[i].data.ptr, events[i].events, scratch);
    }
  }
  return NULL;
}

static void prepare_process(void) {
  /* Ends with the runner, even when the runner was killed. */
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  signal(SIGPIPE, SIG_IGN);
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

static int option(int argc, char **argv, const char *name, int fallback) {
  for (int i = 1; i + 1 < argc; i += 2)
    if (strcmp(argv[i], name) == 0) return atoi(argv[i + 1]);
  return fallback;
}

int main(int argc, char **argv) {
  int threads = option(argc, argv, "--threads", 1);
  int port = option(argc, argv, "--port", 0);
  if (threads < 1 || threads > THREADS_MAX || port < 0 || port > 65535) {
    fprintf(stderr, "usage: echo-server [--port 0..65535] [--threads 1..%d]\n", THREADS_MAX);
    return 2;
  }
  prepare_process();
  int listeners[THREADS_MAX];
  for (int i = 0; i < threads; i++) {
    listeners[i] = listen_on((uint16_t)port);
    if (listeners[i] < 0) return 1;
    struct sockaddr_in bound;
    socklen_t length = sizeof bound;
    if (getsockname(listeners[i], (struct sockaddr *)&bound, &length)) return 1;
    port = ntohs(bound.sin_port);
  }
  printf("{\"port\":%d}\n", port);
  fflush(stdout);
  for (int i = 1; i < threads; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, &listeners[i])) return 1;
  }
  serve(&listeners[0]);
  return 0;
}
