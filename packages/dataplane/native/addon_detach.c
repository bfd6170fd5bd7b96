/* The stream path's calls: sockets that pass to TypeScript and back, and the records that it writes itself. */
#include <stdlib.h>

#include "addon.h"

static struct engine *begin(struct call *call, napi_env env, napi_callback_info info, size_t wanted,
                            connection_id *id) {
  struct engine *engine = call_read(call, env, info, wanted) ? call_engine(call) : NULL;
  if (engine == NULL || !attachment_check(env, engine)) return NULL;
  if (id != NULL) *id = (connection_id)call_double(call, 1);
  return engine;
}

static napi_value detach_client(napi_env env, napi_callback_info info) {
  struct call call;
  connection_id id;
  struct engine *engine = begin(&call, env, info, 3, &id);
  struct detached detached;
  if (engine == NULL || !engine_detach_client(engine, id, call_u32(&call, 2), &detached)) return NULL;
  napi_value result = NULL, fd = NULL, early = NULL;
  napi_create_object(env, &result);
  napi_create_int32(env, detached.fd, &fd);
  napi_create_buffer_copy(env, detached.early_length, detached.early, NULL, &early);
  free(detached.early);
  napi_set_named_property(env, result, "fd", fd);
  napi_set_named_property(env, result, "early", early);
  return result;
}

static napi_value attach_client(napi_env env, napi_callback_info info) {
  struct call call;
  connection_id id;
  struct engine *engine = begin(&call, env, info, 4, &id);
  void *bytes = NULL;
  size_t length = 0;
  if (engine == NULL || napi_get_buffer_info(env, call.arguments[3], &bytes, &length) != napi_ok) return NULL;
  return call_boolean(&call,
                      engine_attach_client(engine, id, (int)call_u32(&call, 2), bytes, (uint32_t)length));
}

static napi_value count_request(napi_env env, napi_callback_info info) {
  struct call call;
  struct engine *engine = begin(&call, env, info, 3, NULL);
  if (engine == NULL) return NULL;
  return call_boolean(&call, engine_count_request(engine, call_u32(&call, 1), call_u32(&call, 2) != 0));
}

static napi_value client_closed(napi_env env, napi_callback_info info) {
  struct call call;
  connection_id id;
  char text[64];
  struct engine *engine = begin(&call, env, info, 5, &id);
  if (engine == NULL || call_latin1(&call, 2, text, sizeof text) == UINT32_MAX) return NULL;
  int reason = reason_parse(text);
  if (reason < 0) {
    napi_throw_range_error(env, "ERR_SLUICE_REASON", "not a close reason");
    return NULL;
  }
  return call_boolean(&call, engine_client_closed(engine, id, (enum reason)reason, (uint64_t)call_double(&call, 3),
                                                  (uint64_t)call_double(&call, 4)));
}

static napi_value open_client(napi_env env, napi_callback_info info) {
  struct call call;
  connection_id parent;
  struct engine *engine = begin(&call, env, info, 3, &parent);
  void *head = NULL;
  size_t length = 0;
  struct opened opened;
  if (engine == NULL || napi_get_buffer_info(env, call.arguments[2], &head, &length) != napi_ok) return NULL;
  if (length > UINT32_MAX || !engine_open_client(engine, parent, head, (uint32_t)length, &opened)) return NULL;
  napi_value result = NULL, id = NULL, fd = NULL;
  napi_create_object(env, &result);
  napi_create_double(env, (double)opened.id, &id);
  napi_create_int32(env, opened.fd, &fd);
  napi_set_named_property(env, result, "id", id);
  napi_set_named_property(env, result, "fd", fd);
  return result;
}

static napi_value client_fate(napi_env env, napi_callback_info info) {
  struct call call;
  connection_id id;
  struct engine *engine = begin(&call, env, info, 2, &id);
  if (engine == NULL) return NULL;
  enum reason fate = engine_client_fate(engine, id);
  napi_value text = NULL;
  napi_create_string_latin1(env, fate < REASON_COUNT ? reason_text(fate) : "", NAPI_AUTO_LENGTH, &text);
  return text;
}

static napi_value reset_client(napi_env env, napi_callback_info info) {
  struct call call;
  connection_id id;
  struct engine *engine = begin(&call, env, info, 2, &id);
  return engine != NULL ? call_boolean(&call, engine_reset_client(engine, id)) : NULL;
}

static napi_value log_line(napi_env env, napi_callback_info info) {
  struct call call;
  struct engine *engine = begin(&call, env, info, 2, NULL);
  uint32_t length = engine != NULL ? call_utf8(&call, 1, engine_text(engine), TEXT_BYTES) : UINT32_MAX;
  if (length != UINT32_MAX) engine_log_line(engine, engine_text(engine), length);
  return NULL;
}

void addon_detach_init(napi_env env, napi_value exports) {
  static const struct method methods[] = {{"detachClient", detach_client},
                                          {"attachClient", attach_client},
                                          {"countRequest", count_request},
                                          {"clientClosed", client_closed},
                                          {"openClient", open_client},
                                          {"clientFate", client_fate},
                                          {"resetClient", reset_client},
                                          {"logLine", log_line}};
  addon_define(env, exports, methods, sizeof methods / sizeof *methods);
}
