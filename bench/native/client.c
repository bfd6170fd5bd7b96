/* See client.h. The Sec-WebSocket-Key is one constant a process, so the expected accept value is computed once and
 * compared on every handshake: a wrong answer can never be counted as a success. */
#define _GNU_SOURCE
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "websocket.h"

enum { PATIENCE_MS = 10000 };

static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==";

static const char head[] =
    "GET /chat/rooms/42?version=3&client=web HTTP/1.1\r\n"
    "Host: bench.example.com\r\n"
    "Connection: Upgrade\r\n"
    "Pragma: no-cache\r\n"
    "Cache-Control: no-cache\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36\r\n"
    "Upgrade: websocket\r\n"
    "Origin: https://bench.example.com\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
    "Cookie: session=4f1c0a52d9e84b7f8a3f6f0f5f8b2c1d9e3a7b6c5d4e3f2a1b0c9d8e7f6a5b4c; theme=dark; consent=all; "
    "_ga=GA1.1.1234567890.1700000000; csrf=a7f3c2e19b8d4065; last_room=42; "
    "tracking=0123456789abcdef0123456789abcdef0123456789abcdef01234567; lang=en; zone=eu1\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "\r\n";
_Static_assert(sizeof head - 1 == 800, "the head that the results name has 800 bytes");

_Noreturn void give_up(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

const char *client_head(size_t *length) {
  *length = sizeof head - 1;
  return head;
}

int client_connect(const struct load_options *options, unsigned index) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int on = 1;
  struct sockaddr_in source = {.sin_family = AF_INET};
  source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + index % options->sources);
  struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = htons(options->port)};
  target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  /* Without NO_PORT the port would be chosen at bind, unique for the source address alone. */
  if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0 &&
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
      bind(fd, (struct sockaddr *)&source, sizeof source) == 0 &&
      (connect(fd, (struct sockaddr *)&target, sizeof target) == 0 || errno == EINPROGRESS))
    return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

int client_check_answer(const char *bytes, size_t length, size_t *head_bytes) {
  static char accept[WEBSOCKET_ACCEPT_BYTES + 1];
  if (accept[0] == '\0') websocket_accept(key, accept);
  const char *end = memmem(bytes, length, "\r\n\r\n", 4);
  if (end == NULL) return 0;
  *head_bytes = (size_t)(end - bytes) + 4;
  if (*head_bytes < 13 || memcmp(bytes, "HTTP/1.1 101 ", 13) != 0) return -1;
  return memmem(bytes, *head_bytes, accept, WEBSOCKET_ACCEPT_BYTES) != NULL ? 1 : -1;
}

void client_wait(const struct stream *stream, short events) {
  struct pollfd wait = {.fd = stream->fd, .events = events};
  int ready = poll(&wait, 1, PATIENCE_MS);
  if (ready == 0) errno = ETIMEDOUT;
  if (ready != 1) give_up("waiting for the target");
}

static void open_tls(struct stream *stream) {
  int done;
  stream_secure(stream, NULL);
  while ((done = stream_handshake(stream)) == 0) client_wait(stream, POLLIN);
  if (done < 0) give_up("the TLS handshake");
}

struct stream client_open(const struct load_options *options, unsigned index) {
  struct stream stream = {.fd = client_connect(options, index)};
  if (stream.fd < 0) give_up("connect");
  client_wait(&stream, POLLOUT);
  if (options->tls) open_tls(&stream);
  if (stream_send(&stream, head, sizeof head - 1) != (ssize_t)sizeof head - 1) give_up("sending the upgrade request");
  char answer[8192];
  size_t have = 0, head_bytes = 0;
  int verdict = 0;
  while (verdict == 0 && have < sizeof answer) {
    client_wait(&stream, POLLIN);
    ssize_t got = stream_receive(&stream, answer + have, sizeof answer - have);
    if (got < 0 && errno == EAGAIN) continue;
    if (got <= 0) give_up("reading the upgrade answer");
    have += (size_t)got;
    verdict = client_check_answer(answer, have, &head_bytes);
  }
  errno = EPROTO;
  if (verdict != 1 || head_bytes != have) give_up("the upgrade answer is not a correct 101");
  return stream;
}

void print_started(void) {
  printf("{\"event\":\"started\"}\n");
  fflush(stdout);
}

void print_stopped(void) {
  printf("{\"event\":\"stopped\"}\n");
  fflush(stdout);
}

void print_latency(const struct histogram *h) {
  printf("\"p50Us\":%.2f,\"p99Us\":%.2f,\"p999Us\":%.2f,\"maxUs\":%.2f", (double)histogram_quantile(h, 0.5) / 1e3,
         (double)histogram_quantile(h, 0.99) / 1e3, (double)histogram_quantile(h, 0.999) / 1e3, (double)h->max / 1e3);
}
