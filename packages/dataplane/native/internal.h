/*
 * What the files of the core share with each other: the structs and the functions between them.
 *
 * A connection belongs to one engine and is touched by the thread that drives it alone. Nothing here keeps a connection
 * pointer across a call into the embedder: connections are named by id there.
 */
#ifndef SLUICE_INTERNAL_H
#define SLUICE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#include "connection.h"
#include "engine.h"
#include "log_ring.h"
#include "proxy.h"

#define SCRATCH_BYTES (64u << 10)
#define BATCH_MAX 256
#define WHEEL_BUCKETS 1024
#define WHEEL_TICK_MS 20
#define SLAB_BITS 8
#define SLAB_SIZE (1u << SLAB_BITS)
#define INDEX_BITS 20
#define CONNECTIONS_MAX (1u << INDEX_BITS)
#define ADDRESS_TEXT_MAX 64
#define PUMP_BUDGET 4
#define LINGER_BYTES_MAX (64u << 10)
#define DECIDING_TIMEOUT_MS 60000
#define DESCRIPTOR_RESERVE 64 /* not for clients */

struct engine {
  uint32_t index;
  struct engine_options options;
  _Atomic int state;
  _Atomic bool attached;
  bool deciding;
  int epfd, wakefd, timerfd;

  pthread_mutex_t queue_lock;
  struct handover *queue;
  uint32_t queue_head;
  _Atomic uint32_t queued;
  _Atomic bool wake_pending;
  _Atomic int close_all; /* reason + 1; 0: not asked */
  bool closing; /* close_all is under way: at close_cursor, which last moved at closing_ms */
  uint32_t close_cursor;
  uint8_t close_reason;
  uint64_t closing_ms;

  struct connection **slabs;
  uint32_t slab_count;
  struct connection *free_list;

  struct epoll_event batch[BATCH_MAX];
  int batch_length, batch_at;
  struct connection *ready_head, *ready_tail;
  struct connection *tls_head, *tls_tail; /* with a step of a TLS handshake to do; linked as the ready ones are */
  struct connection *notice_head, *notice_tail;
  struct connection *ended_head; /* delivered, waiting for engine_delivered */
  uint8_t *events;
  size_t events_length;
  uint32_t events_address; /* bytes of the address text in front of the head space */
  uint8_t *scratch;
  uint8_t *sealed; /* records that go out in one send; NULL before the first TLS connection */
  uint32_t sealed_length;
  char *text;

  struct connection *wheel[WHEEL_BUCKETS];
  uint64_t wheel_bits[WHEEL_BUCKETS / 64];
  uint64_t wheel_tick; /* the last tick that was handled */
  uint64_t armed_ms;
  bool timer_fired, arm_again, turning;
  bool bucket_left; /* the bucket of wheel_tick is not done */
  uint64_t now_us, now_ms;

  int32_t *active_column;
  uint32_t active_slots;
  int32_t *requests; /* by slot: those of the embedder that are counted there; NULL: none have been */
  struct endings endings;
  struct log_ring log;
  _Atomic uint64_t *meters; /* METER_CELLS a group, this engine's alone */
  uint32_t meter_groups;
  _Atomic uint64_t own_meter[METER_CELLS]; /* when none have been given */
  _Atomic uint64_t heartbeat_ms, active, spliced, opened, closed, pending_bytes;
  _Atomic uint64_t tls_accepted, tls_resumed, tls_refused, tls_connected, tls_unconnected;
};

/* registry.c */
uint64_t clock_us(void);
bool engine_push(struct engine *engine, const struct handover *handover);
void engine_wake(struct engine *engine);
/* The engine that takes sockets and holds the fewest connections; NULL: none takes any. */
struct engine *engine_pick(void);
void engine_redistribute(struct engine *engine);
bool engine_pop(struct engine *engine, struct handover *handover);

/* engine.c */
void engine_clock(struct engine *engine);
void counter_add(_Atomic uint64_t *counter, uint64_t amount);
void ready_push(struct engine *engine, struct connection *connection);
/* Puts it on the list of TLS handshakes: bounded work a turn, behind everything else. */
void tls_push(struct engine *engine, struct connection *connection);

/* meters.c */
void meters_init(struct engine *engine);
uint32_t meters_group(const struct engine *engine, uint32_t group);
/* The cell that the connection counts in. */
_Atomic uint64_t *meters_cell(const struct engine *engine, const struct connection *connection, uint32_t meter);
/* Counts the connection as opened in this group, once in its life: the first group stands. */
void meters_open(struct engine *engine, struct connection *connection, uint32_t group);
void meters_close(struct engine *engine, struct connection *connection);
uint64_t meters_sum(const struct engine *engine, enum meter meter);

/* endings.c */
void endings_init(struct endings *endings);
void endings_free(struct endings *endings);
/* For a connection that has been spliced now. */
void endings_apply(struct engine *engine, struct connection *connection);
/* A slice of the walk through the connections of new orders. */
void endings_run(struct engine *engine);
/* Whether there is something for endings_run to do. */
bool endings_left(struct engine *engine);
/* The earliest moment that an order has given the connection; 0: none. */
uint64_t endings_moment(const struct connection *connection);
/* A connection's moment has come: whether its order still stands, and with which reason. If not so, or if its record has
 * to wait for room, the moment has been taken away or moved. */
bool endings_due(struct engine *engine, struct connection *connection, enum reason *reason);

/* events.c */
bool events_room(const struct engine *engine);
/* Where the next head goes, behind the address text when `connection` is given. */
uint8_t *events_head_space(struct engine *engine, const struct connection *connection);
void events_request(struct engine *engine, struct connection *connection, uint32_t head_length);
void events_response(struct engine *engine, struct connection *connection, uint32_t head_length);
void notice_push(struct engine *engine, struct connection *connection, enum notice notice);

/* connection.c */
struct connection *connection_find(struct engine *engine, connection_id id);
struct connection *connection_at(struct engine *engine, uint32_t index);
connection_id connection_name(const struct connection *connection);
void connection_open(struct engine *engine, const struct handover *handover);
/* A place for what was handed over; NULL, with its record counted as lost, when memory has run out. */
struct connection *connection_take(struct engine *engine, const struct handover *handover);
/* Ends a hand-over that nobody has looked at, with its record. */
void connection_turn_away(struct engine *engine, const struct handover *handover, enum reason reason);
/* Writes the record if nobody has, and gives the place back. */
void connection_finish(struct engine *engine, struct connection *connection);
void connection_end(struct engine *engine, struct connection *connection, enum reason reason);
void connection_event(struct engine *engine, struct connection *connection, bool backend, uint32_t events);
void connection_run(struct engine *engine, struct connection *connection);
/* A step of its TLS handshake. */
void connection_step_tls(struct engine *engine, struct connection *connection);
/* Goes on with the client's TLS handshake, or its request. */
void connection_begin(struct engine *engine, struct connection *connection);
/* The listener's fields are the record's, with why the connection ends behind them. */
void connection_keep_why(struct connection *connection, const char *name, const char *why);
void connection_keep_log(struct connection *connection, const char *log, size_t length);
void connection_log(struct engine *engine, struct connection *connection, const char *log, size_t length);
bool connection_watch(struct engine *engine, struct connection *connection, bool backend);
/* Counts the connection on an endpoint of the status board until the backend is released. */
void connection_count(struct engine *engine, struct connection *connection, uint32_t slot);
void client_release(struct engine *engine, struct connection *connection);
void backend_release(struct engine *engine, struct connection *connection);

/* requests.c */
/* Takes back what the embedder has not: the thread lets go. */
void requests_drop(struct engine *engine);

/* head.c */
enum head_status { HEAD_MORE, HEAD_DONE, HEAD_TOO_LARGE, HEAD_EOF, HEAD_ERROR };
/* The length of the head in `bytes`, 0 when its end is not there; the first `seen` bytes held no end. */
uint32_t head_end(const uint8_t *bytes, uint32_t length, uint32_t seen);
bool head_copy(uint8_t **place, uint32_t *place_length, const uint8_t *bytes, uint32_t length, uint32_t capacity);
/* Receives more of a head, into `space` when it is the first piece, behind what is kept already otherwise. */
enum head_status head_receive(struct engine *engine, struct side *side, struct handshake *handshake, uint8_t *space,
                              uint8_t **head, uint32_t *length, uint32_t *end);
bool head_keep(struct engine *engine, struct connection *connection, const uint8_t *head, uint32_t length);

/* handshake.c */
struct handshake *handshake_get(struct connection *connection);
void handshake_free(struct connection *connection);
void handshake_read_request(struct engine *engine, struct connection *connection);
void handshake_on_client(struct engine *engine, struct connection *connection);
void handshake_fail(struct engine *engine, struct connection *connection, enum failed_stage stage,
                    enum failed_code code, int error);
void handshake_timeout(struct engine *engine, struct connection *connection);
/* When a connection that is not streaming times out; 0: never. */
uint64_t handshake_deadline(const struct connection *connection);

/* upstream.c */
void upstream_event(struct engine *engine, struct connection *connection, uint32_t events);
void upstream_read(struct engine *engine, struct connection *connection);
/* The TLS handshake with the backend is done, or has failed: by `error`, or (0) for reasons of TLS. */
void upstream_secured(struct engine *engine, struct connection *connection);
void upstream_failed(struct engine *engine, struct connection *connection, int error, const char *why);

/* side.c */
/* Sends all of it or keeps the rest. */
enum send_status side_send(struct engine *engine, struct side *side, const uint8_t *bytes, size_t length);
/* Sends what the socket takes now and answers how much of it is taken care of (side_some at most a call); -1: broken. */
ssize_t side_send_some(struct engine *engine, struct side *side, const uint8_t *bytes, size_t length);
size_t side_some(const struct side *side);
/* Forgets what is kept for it. */
void side_drop(struct engine *engine, struct side *side);
enum send_status side_flush(struct engine *engine, struct side *side);
/* Ends writing once what is kept has been sent. */
void side_shut(struct engine *engine, struct side *side);
/* As recv: bytes, 0 at the end, -1 with errno. */
ssize_t side_receive(struct side *side, uint8_t *bytes, size_t capacity);
ssize_t side_peek(struct side *side, uint8_t *bytes, size_t capacity);
/* The end that side_receive told of came without TLS's own: what was sent before may be cut short. */
bool side_cut(const struct side *side);
/* The end that side_close makes is not to look like one in order. */
void side_abort(struct side *side);
void side_close(struct engine *engine, struct side *side);
/* For TLS: bytes straight to the socket, how many it took; and the rest, behind what is kept already. */
ssize_t side_transmit(struct side *side, const uint8_t *bytes, size_t length);
bool side_keep(struct engine *engine, struct side *side, const uint8_t *bytes, size_t length);

/* pair.c */
/* The engine's end and the embedder's. False: there are no descriptors for them. */
bool pair_open(int fds[2]);

/* bridge.c, and inner.c: nothing but what engine.h has */
/* Puts a pair of sockets between the client and the embedder, who gets the descriptor; -1: none is to be had. */
int bridge_open(struct engine *engine, struct connection *connection);
void bridge_run(struct engine *engine, struct connection *connection);
/* The embedder has closed its end: what it has written still goes to the client, for a bounded time. */
void bridge_left(struct engine *engine, struct connection *connection);
/* Ends a bridged client by a reset: what it has of an answer must not look whole. False: it is none. */
bool bridge_cut(struct engine *engine, connection_id id);
/* Begins to take the client back: `fd` is the embedder's end, of which no more is written. False: nothing was done. */
bool bridge_attach(struct engine *engine, struct connection *connection, int fd, const uint8_t *bytes, uint32_t length);

/* splice.c */
enum pump_status { PUMP_IDLE, PUMP_MORE, PUMP_FROM_ERROR, PUMP_TO_ERROR };
/* Moves the bytes of one direction on; of a bridged connection they are not counted. */
enum pump_status splice_pump(struct engine *engine, struct connection *connection, bool up);
/* Why a side was lost, by errno. */
enum reason splice_lost(bool client);
void splice_run(struct engine *engine, struct connection *connection);
/* Passes on what a client that is about to be given up has sent, as far as that goes at once. */
void splice_take_up(struct engine *engine, struct connection *connection);
void splice_timeout(struct engine *engine, struct connection *connection);
uint64_t splice_deadline(const struct connection *connection);

/* relay.c, linger.c */
void relay_run(struct engine *engine, struct connection *connection);
/* For a connection that ends in the middle of its answer: one without framing must not look whole, so the client gets a
 * reset instead of an end in order. */
void relay_cut(struct connection *connection);
void linger_begin(struct engine *engine, struct connection *connection, bool backend, enum reason reason);
void linger_run(struct engine *engine, struct connection *connection);

/* timer.c */
void timer_set(struct engine *engine, struct connection *connection, uint64_t deadline_ms);
void timer_clear(struct engine *engine, struct connection *connection);
void timer_run(struct engine *engine);
void timer_arm(struct engine *engine);

/* listener.c */
union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};
void keepalive_set(int fd, const struct keepalive_options *options);
/* The listening socket, or -1 with errno and the failed call's name. */
int listener_open(const struct listen_options *options, uint16_t *port, const char **syscall_name);

/* acceptor.c */
/* Clients, two descriptors each; and how many of them have a third one, of a pair. */
void descriptors_taken(void);
void descriptors_released(void);
void descriptors_paired(int change);

#endif
