/* Opens N connections, has one message echoed on each and holds them, so that the runner can read the memory of the
 * target. Ends, closing them all in order, when stdin ends or a line comes. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

static void echo_once(struct pattern *pattern, int fd, uint32_t id) {
  uint8_t reply[4096];
  size_t received = 0;
  errno = EPROTO;
  if (pattern_send(pattern, fd, id, 0, 0) != (ssize_t)pattern->frame_bytes) give_up("sending a message");
  while (received < pattern->reply_bytes) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    errno = ETIMEDOUT;
    if (poll(&wait, 1, 10000) != 1) give_up("waiting for an echo");
    ssize_t got = recv(fd, reply, sizeof reply, 0);
    if (got <= 0) give_up("the connection ended while an echo was due");
    errno = EPROTO;
    if (!pattern_check(pattern, reply, received, (size_t)got, id, 0, 1)) give_up("the echo differs from what was sent");
    received += (size_t)got;
  }
}

void run_idle(const struct load_options *options) {
  struct pattern pattern;
  pattern_make(&pattern, options->payload_bytes > 2048 ? 2048 : options->payload_bytes);
  int *fds = calloc(options->connections, sizeof *fds);
  if (fds == NULL) give_up("memory");
  for (unsigned i = 0; i < options->connections; i++) {
    fds[i] = client_open(options, i);
    echo_once(&pattern, fds[i], i);
  }
  print_started();
  char line;
  while (read(STDIN_FILENO, &line, 1) < 0 && errno == EINTR) continue;
  print_stopped();
  for (unsigned i = 0; i < options->connections; i++) close(fds[i]);
  printf("{\"event\":\"done\",\"operations\":%u,\"seconds\":0,\"perSecond\":0,\"errors\":0}\n", options->connections);
}
