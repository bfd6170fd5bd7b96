/*
 * Decisions of TypeScript about connections, as calls on the engine that this environment drives.
 *
 * Texts are read into the engine's own scratch text: heads in its first half, log fields in the second.
 */
#include "addon.h"

#define HALF (TEXT_BYTES / 2)
#define ADDRESS_MAX 64

/* Argument 0 the engine, argument 1 the id. NULL, with an exception pending, when the thread does not drive it. */
static struct engine *begin(struct call *call, napi_env env, napi_callback_info info, size_t wanted,
                            connection_id *id) {
  struct engine *engine = call_read(call, env, info, wanted) ? call_engine(call) : NULL;
  if (engine == NULL || !attachment_check(env, engine)) return NULL;
  *id = (connection_id)call_double(call, 1);
  return engine;
}

static napi_value set_active_column(napi_env env, napi_callback_info info) {
  struct call call;
  struct engine *engine = call_read(&call, env, info, 2) ? call_engine(&call) : NULL;
  if (engine == NULL || !attachment_check(env, engine)) return NULL;
  int32_t *cells = NULL;
  size_t length = 0;
  napi_get_typedarray_info(env, call.arguments[1], NULL, &length, (void **)&cells, NULL, NULL);
  if (cells == NULL) return NULL;
  /* Held for the environment's life; beyond it the primary, which made the board, keeps it for the process's. */
  napi_ref held = NULL;
  napi_create_reference(env, call.arguments[1], 1, &held);
  engine_set_active_column(engine, cells, (uint32_t)length);
  return NULL;
}

static napi_value connect_endpoint(napi_env env, napi_callback_info info) {
  struct call call;
  connection_id id;
  struct engine *engine = begin(&call, env, info, 10, &id);
  char address[ADDRESS_MAX];
  if (engine == NULL || call_latin1(&call, 2, address, sizeof address) == UINT32_MAX) return NULL;
  uint32_t length = call_latin1(&call, 5, engine_text(engine), HALF);
  if (length == UINT32_MAX) return NULL;
  struct dial dial = {.address = address,
                      .port = (uint16_t)call_u32(&call, 3),
                      .slot = call_u32(&call, 4),
                      .head = engine_text(engine),
                      .head_length = length,
                      .connect_timeout_ms = call_u32(&call, 6),
                      .answer_timeout_ms = call_u32(&call, 7),
                      .group = call_u32(&call, 8),
                      .tls = call_u32(&call, 9)};
  return call_boolean(&call, engine_connect(engine, id, &dial));
}

static napi_value bound(napi_env env, napi_callback_info info) {
  struct call call;
  connection_id id;
  struct engine *engine = begin(&call, env, info, 3, &id);
  if (engine == NULL) return NULL;
  return call_boolean(&call, engine_bound(engine, id, call_u32(&call, 2)));
}

static napi_value interim(napi_env env, napi_callback_info info) {
  struct call call;
  connection_id id;
  struct engine *engine = begin(&call, env, info, 3, &id);
  uint32_t length = engine != NULL ? call_latin1(&call, 2, engine_text(engine), HALF) : UINT32_MAX;
  if (length == UINT32_MAX) return NULL;
  return call_boolean(&call, engine_interim(engine, id, engine_text(engine), length));
}

struct texts {
  const char *head, *log;
  uint32_t head_length, log_length;
};

/* A head and log fields, as two arguments. */
static bool read_texts(const struct call *call, struct engine *engine, size_t head, size_t log, struct texts *texts) {
  char *text = engine_text(engine);
  *texts = (struct texts){.head = text, .log = text + HALF};
  texts->head_length = call_latin1(call, head, text, HALF);
  if (texts->head_length == UINT32_MAX) return false;
  texts->log_length = call_utf8(call, log, text + HALF, HALF);
  return texts->log_length != UINT32_MAX;
}

static napi_value splice(napi_env env, napi_callback_info info) {
  struct call call;
  connection_id id;
  struct texts texts;
  struct engine *engine = begin(&call, env, info, 7, &id);
  if (engine == NULL || !read_texts(&call, engine, 2, 3, &texts)) return NULL;
  return call_boolean(&call, engine_splice(engine, id, texts.head, texts.head_length, texts.log, texts.log_length,
                                           call_u32(&call, 4), call_u32(&call, 5), call_u32(&call, 6)));
}

static napi_value relay(napi_env env, napi_callback_info info) {
  struct call call;
  connection_id id;
  struct texts texts;
  struct engine *engine = begin(&call, env, info, 7, &id);
  if (engine == NULL || !read_texts(&call, engine, 2, 5, &texts)) return NULL;
  return call_boolean(&call, engine_relay(engine, id, texts.head, texts.head_length,
                                          (enum relay_mode)call_u32(&call, 3), (uint64_t)call_double(&call, 4),
                                          texts.log, texts.log_length, call_u32(&call, 6)));
}

static napi_value respond(napi_env env, napi_callback_info info) {
  struct call call;
  connection_id id;
  struct texts texts;
  struct engine *engine = begin(&call, env, info, 5, &id);
  if (engine == NULL || !read_texts(&call, engine, 2, 3, &texts)) return NULL;
  return call_boolean(&call, engine_respond(engine, id, texts.head, texts.head_length, texts.log, texts.log_length,
                                            call_u32(&call, 4)));
}

static napi_value close_connection(napi_env env, napi_callback_info info) {
  struct call call;
  connection_id id;
  struct texts texts;
  struct engine *engine = begin(&call, env, info, 4, &id);
  if (engine == NULL || !read_texts(&call, engine, 2, 3, &texts)) return NULL;
  int reason = reason_parse(texts.head);
  if (reason < 0) {
    napi_throw_range_error(env, "ERR_SLUICE_REASON", "not a close reason");
    return NULL;
  }
  return call_boolean(&call, engine_close(engine, id, (enum reason)reason, texts.log, texts.log_length));
}

static napi_value log_ended(napi_env env, napi_callback_info info) {
  struct call call;
  connection_id id;
  struct engine *engine = begin(&call, env, info, 3, &id);
  uint32_t length = engine != NULL ? call_utf8(&call, 2, engine_text(engine), HALF) : UINT32_MAX;
  if (length == UINT32_MAX) return NULL;
  return call_boolean(&call, engine_log_ended(engine, id, engine_text(engine), length));
}

static napi_value client_address(napi_env env, napi_callback_info info) {
  struct call call;
  connection_id id;
  struct engine *engine = begin(&call, env, info, 4, &id);
  char address[ADDRESS_MAX];
  if (engine == NULL || call_latin1(&call, 2, address, sizeof address) == UINT32_MAX) return NULL;
  return call_boolean(&call, engine_client_address(engine, id, address, (uint16_t)call_u32(&call, 3)));
}

void addon_commands_init(napi_env env, napi_value exports) {
  static const struct method methods[] = {{"setActiveColumn", set_active_column},
                                          {"connect", connect_endpoint},
                                          {"bound", bound},
                                          {"interim", interim},
                                          {"splice", splice},
                                          {"relay", relay},
                                          {"respond", respond},
                                          {"close", close_connection},
                                          {"logEnded", log_ended},
                                          {"clientAddress", client_address}};
  addon_define(env, exports, methods, sizeof methods / sizeof *methods);
}
