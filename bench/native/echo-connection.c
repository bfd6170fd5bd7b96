/* See echo-connection.h. The common case (a read holds whole frames) allocates and copies nothing: the payload is
 * unmasked where it lies and the shorter unmasked header is written over the mask, just in front of it.
 * Reading stops while output is pending, so a client that does not read cannot grow this process. */
#define _GNU_SOURCE
#include "echo-connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "websocket.h"

struct echo_connection {
  int epoll, fd;
  int upgraded, closing;
  uint8_t *input; /* unfinished head or frame */
  size_t input_bytes, input_capacity;
  uint8_t *output; /* what the socket did not take */
  size_t output_bytes, output_sent;
};

struct echo_connection *echo_open(int epoll, int fd) {
  struct echo_connection *c = calloc(1, sizeof *c);
  if (c == NULL) return NULL;
  c->epoll = epoll;
  c->fd = fd;
  int on = 1;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) {
    free(c);
    return NULL;
  }
  return c;
}

static void end(struct echo_connection *c) {
  close(c->fd);
  free(c->input);
  free(c->output);
  free(c);
}

static int watch(struct echo_connection *c, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  return epoll_ctl(c->epoll, EPOLL_CTL_MOD, c->fd, &event);
}

/* 0, or -1 when the connection is to end. */
static int send_or_keep(struct echo_connection *c, const uint8_t *bytes, size_t length) {
  ssize_t sent = length ? send(c->fd, bytes, length, MSG_NOSIGNAL) : 0;
  if (sent < 0 && errno != EAGAIN) return -1;
  if (sent < 0) sent = 0;
  if ((size_t)sent == length) return 0;
  c->output_bytes = length - (size_t)sent;
  c->output_sent = 0;
  c->output = malloc(c->output_bytes);
  if (c->output == NULL) return -1;
  memcpy(c->output, bytes + sent, c->output_bytes);
  return watch(c, EPOLLOUT);
}

static int flush(struct echo_connection *c) {
  ssize_t sent = send(c->fd, c->output + c->output_sent, c->output_bytes - c->output_sent, MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN ? 0 : -1;
  c->output_sent += (size_t)sent;
  if (c->output_sent < c->output_bytes) return 0;
  free(c->output);
  c->output = NULL;
  c->output_bytes = 0;
  return c->closing ? -1 : watch(c, EPOLLIN);
}

static const char *key_of(const char *head) {
  for (const char *line = head; line != NULL; line = strstr(line, "\r\n")) {
    line += line == head ? 0 : 2;
    if (strncasecmp(line, "sec-websocket-key:", 18) != 0) continue;
    line += 18;
    line += strspn(line, " \t");
    return strcspn(line, "\r") >= WEBSOCKET_KEY_BYTES ? line : NULL;
  }
  return NULL;
}

/* Bytes of the head consumed, 0 when it is not complete, -1 when the connection is to end. */
static ssize_t answer_head(struct echo_connection *c, uint8_t *bytes, size_t length) {
  const uint8_t *stop = memmem(bytes, length, "\r\n\r\n", 4);
  if (stop == NULL) return length > ECHO_HEAD_MAX ? -1 : 0;
  size_t head_bytes = (size_t)(stop - bytes) + 4;
  bytes[head_bytes - 2] = '\0'; /* the second CR of the empty line: the head becomes a string */
  const char *key = key_of((const char *)bytes);
  char answer[256];
  int written;
  if (key == NULL) {
    written = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  } else {
    char accept[WEBSOCKET_ACCEPT_BYTES + 1];
    websocket_accept(key, accept);
    written = snprintf(answer, sizeof answer,
                       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Accept: %s\r\n\r\n",
                       accept);
    c->upgraded = 1;
  }
  if (send_or_keep(c, (uint8_t *)answer, (size_t)written)) return -1;
  return (ssize_t)head_bytes;
}

/* Echoes every whole frame of the buffer with one send; bytes consumed, or -1. */
static ssize_t echo_frames(struct echo_connection *c, uint8_t *bytes, size_t length) {
  uint8_t *out = NULL, *out_end = NULL;
  size_t used = 0;
  struct frame_header frame;
  while (!c->closing && frame_parse(bytes + used, length - used, &frame)) {
    if (frame.payload_bytes > ECHO_PAYLOAD_MAX || !frame.masked) return -1;
    size_t payload = (size_t)frame.payload_bytes;
    if (length - used < frame.header_bytes + payload) break;
    uint8_t *start = bytes + used + 4; /* the header without its mask, moved up against the payload */
    uint8_t opcode = frame.first & 0xf;
    memmove(start, bytes + used, frame.header_bytes - 4);
    if (opcode == OPCODE_PING) start[0] = (uint8_t)((frame.first & 0xf0) | OPCODE_PONG);
    start[1] &= 0x7f;
    frame_mask(bytes + used + frame.header_bytes, payload, frame.mask, 0);
    size_t size = frame.header_bytes - 4 + payload;
    used += frame.header_bytes + payload;
    if (opcode == OPCODE_PONG) continue;
    c->closing = opcode == OPCODE_CLOSE;
    if (out == NULL) out = out_end = start;
    else memmove(out_end, start, size);
    out_end += size;
  }
  if (out != NULL && send_or_keep(c, out, (size_t)(out_end - out))) return -1;
  return c->closing && c->output == NULL ? -1 : (ssize_t)used;
}

/* Room for the whole unfinished frame at once, so that a large message is read straight into place. */
static int reserve(struct echo_connection *c, const uint8_t *bytes, size_t length) {
  struct frame_header frame;
  size_t wanted = length + 4096;
  if (c->upgraded && frame_parse(bytes, length, &frame) && frame.payload_bytes <= ECHO_PAYLOAD_MAX &&
      frame.header_bytes + frame.payload_bytes > length)
    wanted = frame.header_bytes + (size_t)frame.payload_bytes + 4096;
  if (wanted <= c->input_capacity) return 0;
  uint8_t *grown = realloc(c->input, wanted);
  if (grown == NULL) return -1;
  c->input = grown;
  c->input_capacity = wanted;
  return 0;
}

static int keep_rest(struct echo_connection *c, uint8_t *rest, size_t length) {
  int own = c->input != NULL && rest >= c->input && rest < c->input + c->input_capacity;
  size_t offset = own ? (size_t)(rest - c->input) : 0;
  if (length > 0 && reserve(c, rest, length)) return -1;
  if (length > 0) memmove(c->input, own ? c->input + offset : rest, length);
  c->input_bytes = length;
  return 0;
}

static int consume(struct echo_connection *c, uint8_t *bytes, size_t length) {
  size_t used = 0;
  /* Pending output ends the loop: what was read stays as input until it has drained. */
  while (used < length && c->output == NULL) {
    ssize_t took = c->upgraded ? echo_frames(c, bytes + used, length - used) : answer_head(c, bytes + used, length - used);
    if (took < 0) return -1;
    if (took == 0) break;
    used += (size_t)took;
  }
  return keep_rest(c, bytes + used, length - used);
}

static int read_once(struct echo_connection *c, uint8_t *scratch) {
  int fresh = c->input_bytes == 0;
  uint8_t *into = fresh ? scratch : c->input + c->input_bytes;
  ssize_t got = recv(c->fd, into, fresh ? ECHO_SCRATCH_BYTES : c->input_capacity - c->input_bytes, 0);
  if (got < 0) return errno == EAGAIN ? 0 : -1;
  if (got == 0) return -1;
  return fresh ? consume(c, scratch, (size_t)got) : consume(c, c->input, c->input_bytes + (size_t)got);
}

void echo_turn(struct echo_connection *c, uint32_t events, uint8_t *scratch) {
  int result = 0;
  if (c->output != NULL) {
    result = events & (EPOLLERR | EPOLLHUP) ? -1 : flush(c);
    if (result == 0 && c->output == NULL && c->input_bytes > 0) result = consume(c, c->input, c->input_bytes);
  } else {
    result = read_once(c, scratch);
  }
  if (result != 0) end(c);
}
