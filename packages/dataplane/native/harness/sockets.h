/*
 * The peers' sockets: clients and backends that behave as a test tells them. Everything waits with a deadline and lets
 * the engine run meanwhile (harness_idle); sockets are non-blocking.
 */
#ifndef SLUICE_HARNESS_SOCKETS_H
#define SLUICE_HARNESS_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `buffer_bytes` > 0: small kernel buffers, inherited by what is accepted. */
int socket_listen(uint16_t *port, int buffer_bytes);
int socket_dial(uint16_t port, int buffer_bytes);
int socket_accept(int listener);
/* A port on which nobody listens. */
uint16_t socket_refused_port(void);

void socket_send(int fd, const void *bytes, size_t length);
void socket_send_text(int fd, const char *text);
/* Receives exactly this. */
void socket_expect(int fd, const void *bytes, size_t length);
void socket_expect_text(int fd, const char *text);
/* Receives until the end of a head; what is behind it stays in the socket. */
size_t socket_read_head(int fd, char *out, size_t size);
void socket_expect_eof(int fd);
/* Reads until the peer's end: 0 for EOF, else the errno. `*length` bytes were read into `out` (cut at `size`). */
int socket_drain(int fd, char *out, size_t size, size_t *length);
/* Sends FIN, goes on reading. */
void socket_shut(int fd);
/* Closes with RST. */
void socket_reset(int fd);
/* Bytes that can be read now. */
size_t socket_available(int fd);

/* Two streams at once between two sockets, with sizes and pieces from the seed; every byte is checked. `finish`: each
 * side sends FIN right behind its last byte, and EOF is expected behind the last byte of the other. */
struct exchange {
  uint64_t seed;
  size_t bytes_ab, bytes_ba;
  size_t piece_max;
  bool finish;
};
void socket_exchange(int a, int b, const struct exchange *exchange);

#endif
