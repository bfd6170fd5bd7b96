/* Opens N connections, has one message echoed on each and holds them, so that the runner can read the memory of the
 * target. Ends, closing them all in order, when stdin ends or a line comes. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"

static void echo_once(struct pattern *pattern, struct stream *stream, uint32_t id) {
  uint8_t reply[4096];
  size_t received = 0;
  errno = EPROTO;
  if (pattern_send(pattern, stream, id, 0, 0) != (ssize_t)pattern->frame_bytes) give_up("sending a message");
  while (received < pattern->reply_bytes) {
    client_wait(stream, POLLIN);
    ssize_t got = stream_receive(stream, reply, sizeof reply);
    if (got < 0 && errno == EAGAIN) continue;
    if (got <= 0) give_up("the connection ended while an echo was due");
    errno = EPROTO;
    if (!pattern_check(pattern, reply, received, (size_t)got, id, 0, 1)) give_up("the echo differs from what was sent");
    received += (size_t)got;
  }
}

void run_idle(const struct load_options *options) {
  struct pattern pattern;
  pattern_make(&pattern, options->payload_bytes > 2048 ? 2048 : options->payload_bytes);
  struct stream *streams = calloc(options->connections, sizeof *streams);
  if (streams == NULL) give_up("memory");
  for (unsigned i = 0; i < options->connections; i++) {
    streams[i] = client_open(options, i);
    echo_once(&pattern, &streams[i], i);
  }
  print_started();
  char line;
  while (read(STDIN_FILENO, &line, 1) < 0 && errno == EINTR) continue;
  print_stopped();
  for (unsigned i = 0; i < options->connections; i++) stream_close(&streams[i]);
  printf("{\"event\":\"done\",\"operations\":%u,\"seconds\":0,\"perSecond\":0,\"errors\":0}\n", options->connections);
}
