/* The peers' sockets; see sockets.h. */
#include "sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

static struct sockaddr_in loopback(uint16_t port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int open_socket(int buffer_bytes) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
  CHECK(fd >= 0);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (buffer_bytes > 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
  }
  return fd;
}

int socket_listen(uint16_t *port, int buffer_bytes) {
  int fd = open_socket(buffer_bytes);
  struct sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  CHECK(bind(fd, (struct sockaddr *)&address, length) == 0 && listen(fd, 1024) == 0);
  CHECK(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
  *port = ntohs(address.sin_port);
  return fd;
}

int socket_dial(uint16_t port, int buffer_bytes) {
  int fd = open_socket(buffer_bytes);
  struct sockaddr_in address = loopback(port);
  CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EINPROGRESS);
  return fd;
}

int socket_accept(int listener) {
  int fd = -1;
  EVENTUALLY((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
  return fd;
}

uint16_t socket_refused_port(void) {
  uint16_t port = 0;
  close(socket_listen(&port, 0));
  return port;
}

void socket_send(int fd, const void *bytes, size_t length) {
  size_t sent = 0;
  while (sent < length) {
    ssize_t count = -1;
    EVENTUALLY((count = send(fd, (const char *)bytes + sent, length - sent, MSG_NOSIGNAL)) >= 0 || errno != EAGAIN);
    if (count < 0) test_fail(__FILE__, __LINE__, "send: %s", strerror(errno));
    sent += (size_t)count;
  }
}

void socket_send_text(int fd, const char *text) { socket_send(fd, text, strlen(text)); }

/* One successful recv, 0 at the end; the negative errno. */
static ssize_t receive(int fd, void *out, size_t size, int flags) {
  ssize_t count = -1;
  EVENTUALLY((count = recv(fd, out, size, flags)) >= 0 || errno != EAGAIN);
  return count < 0 ? -(ssize_t)errno : count;
}

void socket_expect(int fd, const void *bytes, size_t length) {
  size_t have = 0;
  while (have < length) {
    char piece[16384];
    size_t want = length - have < sizeof piece ? length - have : sizeof piece;
    ssize_t count = receive(fd, piece, want, 0);
    const char *end = count < 0 ? strerror((int)-count) : "EOF";
    if (count <= 0) test_fail(__FILE__, __LINE__, "%zu of %zu bytes, then %s", have, length, end);
    if (memcmp(piece, (const char *)bytes + have, (size_t)count) != 0) {
      int shown = count < 200 ? (int)count : 200;
      test_fail(__FILE__, __LINE__, "other bytes than expected at %zu: %.*s", have, shown, piece);
    }
    have += (size_t)count;
  }
}

void socket_expect_text(int fd, const char *text) { socket_expect(fd, text, strlen(text)); }

size_t socket_read_head(int fd, char *out, size_t size) {
  size_t length = 0;
  while (length < 4 || memcmp(out + length - 4, "\r\n\r\n", 4) != 0) {
    CHECK(length < size - 1);
    ssize_t count = receive(fd, out + length, 1, 0);
    if (count <= 0) test_fail(__FILE__, __LINE__, "no head: %s", count ? strerror((int)-count) : "EOF");
    length++;
  }
  out[length] = 0;
  return length;
}

void socket_expect_eof(int fd) {
  char byte;
  ssize_t count = receive(fd, &byte, 1, 0);
  if (count != 0) test_fail(__FILE__, __LINE__, "no EOF: %s", count > 0 ? "bytes" : strerror((int)-count));
}

int socket_drain(int fd, char *out, size_t size, size_t *length) {
  char piece[16384];
  *length = 0;
  for (;;) {
    ssize_t count = receive(fd, piece, sizeof piece, 0);
    if (count <= 0) return (int)-count;
    size_t take = *length < size ? size - *length : 0;
    if (take > (size_t)count) take = (size_t)count;
    if (take > 0) memcpy(out + *length, piece, take);
    *length += (size_t)count;
  }
}

void socket_shut(int fd) { CHECK(shutdown(fd, SHUT_WR) == 0); }

void socket_reset(int fd) {
  struct linger linger = {.l_onoff = 1};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  close(fd);
}

size_t socket_available(int fd) {
  int count = 0;
  CHECK(ioctl(fd, FIONREAD, &count) == 0);
  return (size_t)count;
}

struct stream {
  int from, to;
  struct prng written, expected, sizes;
  size_t left_to_send, left_to_receive;
  bool finish, shut, ended;
};

static void fill(struct prng *prng, uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)prng_next(prng);
}

static bool stream_send(struct stream *stream, size_t piece_max) {
  if (stream->left_to_send == 0) {
    if (stream->finish && !stream->shut) socket_shut(stream->from);
    stream->shut = true;
    return false;
  }
  static uint8_t piece[65536];
  size_t length = prng_range(&stream->sizes, 1, (uint32_t)piece_max);
  if (length > stream->left_to_send) length = stream->left_to_send;
  struct prng ahead = stream->written;
  fill(&ahead, piece, length);
  ssize_t count = send(stream->from, piece, length, MSG_NOSIGNAL);
  if (count < 0 && errno != EAGAIN) test_fail(__FILE__, __LINE__, "send: %s", strerror(errno));
  if (count <= 0) return false;
  fill(&stream->written, piece, (size_t)count); /* only what went out counts */
  stream->left_to_send -= (size_t)count;
  return true;
}

static bool stream_receive(struct stream *stream) {
  static uint8_t piece[65536], wanted[65536];
  if (stream->left_to_receive == 0 && (!stream->finish || stream->ended)) return false;
  ssize_t count = recv(stream->to, piece, sizeof piece, 0);
  if (count < 0 && errno != EAGAIN) test_fail(__FILE__, __LINE__, "recv: %s", strerror(errno));
  if (count < 0) return false;
  if (count == 0) {
    size_t missing = stream->left_to_receive;
    if (missing > 0) test_fail(__FILE__, __LINE__, "EOF with %zu bytes missing", missing);
    stream->ended = true;
    return true;
  }
  CHECK((size_t)count <= stream->left_to_receive);
  fill(&stream->expected, wanted, (size_t)count);
  CHECK(memcmp(piece, wanted, (size_t)count) == 0);
  stream->left_to_receive -= (size_t)count;
  return true;
}

static bool stream_done(const struct stream *stream) {
  return stream->left_to_receive == 0 && (!stream->finish || stream->ended);
}

void socket_exchange(int a, int b, const struct exchange *exchange) {
  struct stream streams[2];
  for (int i = 0; i < 2; i++) {
    size_t bytes = i == 0 ? exchange->bytes_ab : exchange->bytes_ba;
    streams[i] = (struct stream){.from = i == 0 ? a : b,
                                 .to = i == 0 ? b : a,
                                 .written = prng_new(exchange->seed + (uint64_t)i),
                                 .expected = prng_new(exchange->seed + (uint64_t)i),
                                 .sizes = prng_new(exchange->seed + 7 + (uint64_t)i),
                                 .left_to_send = bytes,
                                 .left_to_receive = bytes,
                                 .finish = exchange->finish};
  }
  uint64_t deadline = harness_now_ms() + 5 * EVENTUALLY_MS;
  while (!stream_done(&streams[0]) || !stream_done(&streams[1])) {
    bool moved = false;
    for (int i = 0; i < 2; i++) {
      moved |= stream_send(&streams[i], exchange->piece_max);
      moved |= stream_receive(&streams[i]);
    }
    if (harness_now_ms() > deadline) {
      test_fail(__FILE__, __LINE__, "stuck with %zu and %zu bytes to come", streams[0].left_to_receive,
                streams[1].left_to_receive);
    }
    harness_idle();
    if (moved) deadline = harness_now_ms() + EVENTUALLY_MS;
  }
}
