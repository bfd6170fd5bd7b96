/*
 * The engine's public face: what addon.c and the harness call. Neither node_api.h nor uv.h is known here.
 *
 * An engine is driven by one thread at a time (the one that attached): every function that takes an engine belongs to
 * that thread, except those marked "any thread". Engines live as long as the process, so a dead worker's spliced
 * connections go on as soon as another thread attaches.
 */
#ifndef SLUICE_ENGINE_H
#define SLUICE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy.h"
#include "reasons.h"

#define ENGINES_MAX 256
#define LISTENERS_MAX 256
#define EVENT_HEADER_BYTES 56
#define EVENT_BUFFER_BYTES (1u << 20)
#define TEXT_BYTES (128u << 10)
/* The largest head_bytes_max: a head and what the gateway adds to it fit each buffer that holds one. */
#define HEAD_BYTES_LIMIT (48u << 10)

struct engine;
struct listener;

struct keepalive_options {
  uint32_t idle_s, interval_s, count, user_timeout_ms;
};

struct engine_options {
  uint32_t head_bytes_max;
  uint32_t queue_max;
  uint32_t connections_max;
  uint64_t pending_bytes_max;
  uint32_t log_ring_bytes;
  uint32_t request_head_timeout_ms;
  uint32_t half_close_timeout_ms;
  uint32_t linger_timeout_ms;
  struct keepalive_options keepalive;
};

enum engine_state { ENGINE_STARTING, ENGINE_READY, ENGINE_DEAD };
enum event_kind { EVENT_REQUEST = 1, EVENT_RESPONSE, EVENT_FAILED, EVENT_ENDED };
enum failed_stage { STAGE_REQUEST_HEAD, STAGE_CONNECT, STAGE_RESPONSE };
enum failed_code {
  FAILED_TIMEOUT,
  FAILED_TOO_LARGE,
  FAILED_ERRNO,
  FAILED_EOF,
  FAILED_RESET,
  FAILED_LOCAL,
  FAILED_TRUNCATED,
  FAILED_TLS, /* the event's text says why */
};
enum relay_mode { RELAY_LENGTH, RELAY_CHUNKED, RELAY_UNTIL_EOF };

/* Cells of a metric group; METER_FIELDS in src/engine/binding.ts. METER_CLOSED: one cell for each close reason. */
enum meter { METER_OPENED, METER_ACTIVE, METER_BYTES_UP, METER_BYTES_DOWN, METER_CLOSED };
#define METER_CELLS (METER_CLOSED + REASON_COUNT)

/* generation << 20 | index: exact in a double. */
typedef uint64_t connection_id;

struct engine_stats {
  uint64_t active, queued, spliced, opened, closed, bytes_up, bytes_down, pending_bytes, log_records, log_drops;
  uint64_t heartbeat_age_ms, state;
  uint64_t tls_accepted, tls_resumed, tls_refused, tls_connected, tls_unconnected;
};

/* --- the registry (any thread) --- */
/* NULL when memory, descriptors or the registry's places have run out or an option is out of range (errno). */
struct engine *engine_create(const struct engine_options *options);
struct engine *engine_get(uint32_t index);
uint32_t engine_count(void);
uint32_t engine_index(const struct engine *engine);
void engine_stats(struct engine *engine, struct engine_stats *stats);
/* Asks the driving thread to end every connection with this reason, as fast as the access log takes their records. */
void engine_close_all(struct engine *engine, enum reason reason);
/* Asks the driving thread to end the connections that are spliced to the endpoint in this slot, and those that are spliced
 * to it later: the first after `after_ms`, the last `window_ms` behind it. A later call for the slot replaces this one.
 * False, with errno: no memory, or orders for ENDINGS_MAX endpoints stand already. */
bool engine_end_endpoint(struct engine *engine, uint32_t slot, enum reason reason, uint32_t after_ms, uint32_t window_ms);
/* Takes that back for the connections that are left. */
void engine_keep_endpoint(struct engine *engine, uint32_t slot);
/* Likewise for the connections that were spliced with this owner, for ENDINGS_MAX owners. Also false, with EINVAL: 0, which
 * is none. An endpoint's order and an owner's stand side by side: the earlier end counts, taking one back leaves the other. */
bool engine_end_owner(struct engine *engine, uint32_t owner, enum reason reason, uint32_t after_ms, uint32_t window_ms);
void engine_keep_owner(struct engine *engine, uint32_t owner);
/* Memory that the engine counts in, METER_CELLS a group, group 0 for numbers out of range; it outlives the engine, and no
 * other engine writes to it. False, with errno: the engine has been in use, or there is no group. */
bool engine_set_meters(struct engine *engine, uint64_t *cells, uint32_t groups);
size_t engine_log_read(struct engine *engine, uint8_t *out, size_t capacity);

/* --- driving (the attached thread) --- */
/* Takes the engine for this thread; false when another has it. `deciding`: events will be handled, so requests are
 * read; else only what needs no decision goes on. */
bool engine_attach(struct engine *engine, bool deciding);
/* Gives it up: hand-overs that wait go to other engines, connections in handshake end; the rest waits for the next
 * thread. */
void engine_detach(struct engine *engine);
void engine_ready(struct engine *engine);
/* Takes no new sockets, and emits no event any more: the owner has failed. */
void engine_fail(struct engine *engine);
int engine_poll_fd(const struct engine *engine);
/* One turn: sockets, hand-overs, timers. True when it stopped early for want of room in the event buffer. */
bool engine_turn(struct engine *engine);
/* Ends a run of turns and deliveries: what is left to do wakes the thread again. */
void engine_rest(struct engine *engine);
/* Bytes of event records to deliver now; 0: none. They stay valid until engine_delivered. */
size_t engine_events(struct engine *engine);
void engine_delivered(struct engine *engine);
uint8_t *engine_event_buffer(struct engine *engine);
/* Scratch memory of TEXT_BYTES for the caller's arguments. */
char *engine_text(struct engine *engine);
/* `column` outlives the engine; `slots` cells. */
void engine_set_active_column(struct engine *engine, int32_t *column, uint32_t slots);

/* --- decisions (the attached thread); false: the id is stale or the connection is in another state --- */
struct dial {
  const char *address; /* IPv4 or IPv6 text */
  uint16_t port;
  uint32_t slot; /* on the status board; UINT32_MAX: none */
  uint32_t group; /* metric group of the connection, when none has been named before */
  const char *head;
  size_t head_length;
  uint32_t connect_timeout_ms, answer_timeout_ms;
  uint32_t tls; /* number of a context for backends; 0: plain */
};
bool engine_connect(struct engine *engine, connection_id id, const struct dial *dial);
/* Bounds the time from now to the head of an answer, every connect included: a failure by FAILED_TIMEOUT when it is over. */
bool engine_bound(struct engine *engine, connection_id id, uint32_t bound_ms);
bool engine_interim(struct engine *engine, connection_id id, const char *head, size_t length);
/* `owner`: what engine_end_owner will know it by; 0: nothing. */
bool engine_splice(struct engine *engine, connection_id id, const char *head, size_t length, const char *log,
                   size_t log_length, uint32_t idle_timeout_ms, uint32_t lifetime_ms, uint32_t owner);
bool engine_relay(struct engine *engine, connection_id id, const char *head, size_t length, enum relay_mode mode,
                  uint64_t body_length, const char *log, size_t log_length, uint32_t idle_timeout_ms);
bool engine_respond(struct engine *engine, connection_id id, const char *bytes, size_t length, const char *log,
                    size_t log_length, uint32_t group);
bool engine_close(struct engine *engine, connection_id id, enum reason reason, const char *log, size_t log_length);
/* Whose connection it is for its record, when a peer that is trusted has said so; port 0: unknown, and left out. Before the
 * request is decided about: a connection that is detached keeps its peer's. */
bool engine_client_address(struct engine *engine, connection_id id, const char *address, uint16_t port);
/* --- the stream path (the attached thread): connections whose socket the embedder has; see detach.c --- */
struct detached {
  int fd; /* the caller's from now on: the client's socket, with TLS one end of a pair */
  uint8_t *early; /* what was read behind the head: the caller frees it */
  uint32_t early_length;
};
/* Gives the client's bytes to the embedder, before anything was dialled. False also without a descriptor for it. */
bool engine_detach_client(struct engine *engine, connection_id id, uint32_t group, struct detached *detached);
/* Takes it back with a request, whole to the end of its head at least: a `request` event follows when the client has what
 * was written for it. The caller closes `fd`, of which nothing more is read or written. False: nothing was done. */
bool engine_attach_client(struct engine *engine, connection_id id, int fd, const uint8_t *bytes, uint32_t length);
/* A request of the embedder's begins on the endpoint in this slot of the status board, or is over. False: there is no such
 * slot, or none is under way there. */
bool engine_count_request(struct engine *engine, uint32_t slot, bool begins);
/* The embedder has closed the socket: no event follows. Without this call, an end that it did not make (engine_close_all, a
 * client with TLS that was reset) makes an `ended` event, and until that is delivered the call is good. */
bool engine_client_closed(struct engine *engine, connection_id id, enum reason reason, uint64_t bytes_up,
                          uint64_t bytes_down);
struct opened {
  connection_id id;
  int fd; /* the caller's: where its bytes go to and come from */
};
/* A connection of the embedder's own, with the listener and the address of a client that it has detached; `head` is a whole
 * request head and nothing more, of which a `request` event follows. It ends with an `ended` event, always. False also
 * without a descriptor or a place for it. */
bool engine_open_client(struct engine *engine, connection_id parent, const uint8_t *head, uint32_t length,
                        struct opened *opened);
/* Why such a connection is ending, or has, when that is not in order; else REASON_COUNT. */
enum reason engine_client_fate(struct engine *engine, connection_id id);
/* Ends it as a reset by its client does; or a client with TLS that is detached, by a reset, so that an answer which it has
 * in part does not look whole. False: it is over. */
bool engine_reset_client(struct engine *engine, connection_id id);
/* Appends a whole line, its newline included, to the access log. */
void engine_log_line(struct engine *engine, const char *line, size_t length);

/* Writes the record of a connection whose `ended` event is being delivered. */
bool engine_log_ended(struct engine *engine, connection_id id, const char *log, size_t log_length);

/* --- the acceptor (called by the primary; accepts in a thread of its own) --- */
/* What a connection keeps of its listener. */
struct listener_identity {
  uint32_t tag, group;
  const char *log_fields;
  const struct proxy_source *proxy_sources; /* copied */
  uint32_t proxy_count;
};
struct listen_options {
  const char *address;
  uint16_t port;
  uint32_t backlog;
  bool reuse_port;
  bool held; /* accepted from only after acceptor_admit_listener; clients wait in the kernel's queue */
  uint32_t defer_accept_s;
  struct listener_identity identity;
  struct keepalive_options keepalive;
};
/* The listener's number, never given again, or -1 with errno and the failed call's name. Accepted from at once when the
 * others are. */
int acceptor_listen(const struct listen_options *options, uint16_t *port, const char **syscall_name);
enum listener_outcome { LISTENER_DONE, LISTENER_CLOSED, LISTENER_UNKNOWN, LISTENER_NO_MEMORY };
/* What connections get that the listener accepts from now on. */
enum listener_outcome acceptor_identify_listener(uint32_t number, const struct listener_identity *identity);
/* Accepts from a listener that was held. */
enum listener_outcome acceptor_admit_listener(uint32_t number);
/* Closes one listening socket for good; what it has accepted lives on. LISTENER_CLOSED: it was already. */
enum listener_outcome acceptor_close_listener(uint32_t number);
int acceptor_poll_fd(void);
/* Starts the accepting thread; without it the caller polls acceptor_poll_fd and calls acceptor_turn. */
bool acceptor_run(void);
void acceptor_start(void);
void acceptor_pause(void);
/* Closes every listener and ends the thread: nothing is accepted any more when it returns. */
void acceptor_close(void);
void acceptor_turn(void);
enum accept_wait { WAIT_NONE, WAIT_DESCRIPTORS, WAIT_ENGINES };
/* What accepting waits for now: descriptors (or kernel memory), an engine with room, or nothing. */
enum accept_wait acceptor_waits(void);
/* What later connections of this listener get, kept, for listener_tls; NULL: it is closed, or has never been. */
struct listener *acceptor_keep_listener(uint32_t number);
void acceptor_descriptors(uint64_t *clients, uint64_t *limit, bool *paused);
/* Engines whose heartbeat is older get no sockets. */
#define HEARTBEAT_STALE_MS 5000

#endif
