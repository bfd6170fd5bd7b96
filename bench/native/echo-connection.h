/* One connection of the echo backend: a socket, what is left of an unfinished head or frame, and what the
 * socket would not yet take. Owned by the thread whose epoll set it is in; echo_turn frees it when it ends. */
#ifndef BENCH_ECHO_CONNECTION_H
#define BENCH_ECHO_CONNECTION_H
#include <stddef.h>
#include <stdint.h>

enum { ECHO_SCRATCH_BYTES = 256 * 1024, ECHO_PAYLOAD_MAX = 1024 * 1024, ECHO_HEAD_MAX = 16 * 1024 };

struct echo_connection;

/* Adds the socket to the epoll set; NULL when that or the allocation failed. */
struct echo_connection *echo_open(int epoll, int fd);

/* Handles one epoll event; `scratch` is the thread's read buffer of ECHO_SCRATCH_BYTES. */
void echo_turn(struct echo_connection *connection, uint32_t events, uint8_t *scratch);

#endif
