/* What OpenSSL itself takes for an idle connection: holds TLS connections with as little around them as there can be, the
 * system's library, the library's own socket BIO, buffers released. One client after another is served, blocking: handshake,
 * upgrade, one echo of a small message; then it is held until it closes. The memory per connection is the floor
 * for who uses this library.
 * Usage: tls-hold CERTIFICATE KEY; prints {"port":P} when it listens. tls-hold --version prints the library's. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "websocket.h"

enum { EVENTS_PER_TURN = 256, HEAD_BYTES = 4096 };

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "tls-hold: %s: %s\n", what, strerror(errno));
  ERR_print_errors_fp(stderr);
  exit(1);
}

static int listen_anywhere(uint16_t *port) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t length = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) || listen(fd, 4096) ||
      getsockname(fd, (struct sockaddr *)&address, &length))
    fail("listen");
  *port = ntohs(address.sin_port);
  return fd;
}

static SSL_CTX *make_context(const char *certificate, const char *key) {
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  if (context == NULL || SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
    fail("the certificate");
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  return context;
}

static int answer_upgrade(SSL *ssl) {
  char head[HEAD_BYTES], answer[256], accept[WEBSOCKET_ACCEPT_BYTES + 1];
  int have = 0, got;
  do {
    got = SSL_read(ssl, head + have, HEAD_BYTES - have);
    have += got > 0 ? got : 0;
  } while (got > 0 && memmem(head, (size_t)have, "\r\n\r\n", 4) == NULL);
  static const char field[] = "Sec-WebSocket-Key: ";
  const char *key = memmem(head, (size_t)have, field, sizeof field - 1);
  if (got <= 0 || key == NULL || head + have - key < (int)sizeof field - 1 + WEBSOCKET_KEY_BYTES) return 0;
  websocket_accept(key + sizeof field - 1, accept);
  int length = snprintf(answer, sizeof answer,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
  return SSL_write(ssl, answer, length) == length;
}

/* A frame of one record, as the load's are. */
static int echo_once(SSL *ssl) {
  uint8_t frame[HEAD_BYTES], reply[HEAD_BYTES];
  struct frame_header header;
  int got = SSL_read(ssl, frame, sizeof frame);
  if (got <= 0 || !frame_parse(frame, (size_t)got, &header) || (uint64_t)got != header.header_bytes + header.payload_bytes) return 0;
  size_t start = frame_write_header(reply, OPCODE_BINARY, header.payload_bytes, NULL);
  memcpy(reply + start, frame + header.header_bytes, header.payload_bytes);
  frame_mask(reply + start, header.payload_bytes, header.mask, 0);
  int length = (int)(start + header.payload_bytes);
  return SSL_write(ssl, reply, length) == length;
}

static void hold(int epoll, SSL_CTX *context, int fd) {
  struct timeval patience = {.tv_sec = 5};
  SSL *ssl = SSL_new(context);
  struct epoll_event event = {.events = EPOLLRDHUP, .data.ptr = ssl};
  int on = 1;
  if (ssl == NULL || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) ||
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on))
    fail("memory");
  SSL_set_fd(ssl, fd);
  if (SSL_accept(ssl) == 1 && answer_upgrade(ssl) && echo_once(ssl) && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0) return;
  ERR_clear_error();
  SSL_free(ssl);
  close(fd);
}

static void let_go(SSL *ssl) {
  int fd = SSL_get_fd(ssl);
  SSL_shutdown(ssl);
  SSL_free(ssl);
  close(fd);
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--version") == 0) return puts(OpenSSL_version(OPENSSL_VERSION_STRING)) < 0;
  if (argc != 3) {
    fputs("usage: tls-hold CERTIFICATE KEY\n", stderr);
    return 2;
  }
  struct rlimit limit;
  uint16_t port;
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  signal(SIGPIPE, SIG_IGN);
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  SSL_CTX *context = make_context(argv[1], argv[2]);
  int listener = listen_anywhere(&port), epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event events[EVENTS_PER_TURN] = {{.events = EPOLLIN, .data.ptr = NULL}};
  if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &events[0])) fail("epoll");
  printf("{\"port\":%u}\n", port);
  fflush(stdout);
  for (;;) {
    int count = epoll_wait(epoll, events, EVENTS_PER_TURN, -1);
    for (int i = 0; i < count; i++) {
      SSL *held = events[i].data.ptr;
      int fd = held == NULL ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;
      if (held != NULL) let_go(held);
      else if (fd >= 0) hold(epoll, context, fd);
    }
  }
}
