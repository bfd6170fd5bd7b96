/* In the place of tls*.c where there is no libssl: every side is plain. */
#include "../internal.h"

bool listener_has_tls(const struct listener *listener) {
  (void)listener;
  return false;
}

struct sni_table *sni_hold(const struct listener *listener) {
  (void)listener;
  return NULL;
}

void sni_drop(struct sni_table *table) { (void)table; }

bool tls_connect(struct engine *engine, struct side *side, uint32_t context) {
  (void)engine;
  (void)side;
  (void)context;
  return false;
}

void tls_client_begin(struct engine *engine, struct connection *connection) {
  connection_end(engine, connection, REASON_INTERNAL_ERROR);
}

void tls_client_run(struct engine *engine, struct connection *connection) { tls_client_begin(engine, connection); }
void tls_backend_run(struct engine *engine, struct connection *connection) { tls_client_begin(engine, connection); }
bool tls_unverified(const struct side *side) { return side->tls != NULL; }

uint32_t tls_describe(const struct side *side, char *out, size_t size) {
  (void)side;
  (void)out;
  (void)size;
  return 0;
}

void tls_settle(struct side *side) { (void)side; }
void tls_forget(struct side *side) { (void)side; }

ssize_t tls_receive(struct side *side, uint8_t *bytes, size_t capacity) {
  (void)side;
  (void)bytes;
  (void)capacity;
  return -1;
}

ssize_t tls_peek(struct side *side, uint8_t *bytes, size_t capacity) { return tls_receive(side, bytes, capacity); }

enum send_status tls_send(struct engine *engine, struct side *side, const uint8_t *bytes, size_t length) {
  (void)engine;
  (void)side;
  (void)bytes;
  (void)length;
  return SEND_ERROR;
}

void tls_shut(struct engine *engine, struct side *side) {
  (void)engine;
  (void)side;
}

bool tls_cut(const struct side *side) { return side->tls != NULL; }
void tls_abort(struct side *side) { (void)side; }

void tls_close(struct engine *engine, struct side *side) {
  (void)engine;
  (void)side;
}
