/*
 * The module: registration, arguments, and the calls on the registry that any thread may make.
 *
 * Loaded once a process, initialised once an environment (primary and every worker): no state of an environment is kept
 * in statics.
 */
#include "addon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool call_read(struct call *call, napi_env env, napi_callback_info info, size_t wanted) {
  call->env = env;
  call->count = ARGUMENTS_MAX;
  napi_get_cb_info(env, info, &call->count, call->arguments, NULL, NULL);
  if (call->count >= wanted) return true;
  napi_throw_type_error(env, "ERR_SLUICE_ARGUMENTS", "the native engine got too few arguments");
  return false;
}

uint32_t call_u32(const struct call *call, size_t index) {
  uint32_t value = 0;
  napi_get_value_uint32(call->env, call->arguments[index], &value);
  return value;
}

double call_double(const struct call *call, size_t index) {
  double value = 0;
  napi_get_value_double(call->env, call->arguments[index], &value);
  return value;
}

bool call_bool(const struct call *call, size_t index) {
  bool value = false;
  napi_get_value_bool(call->env, call->arguments[index], &value);
  return value;
}

static uint32_t checked(const struct call *call, napi_status status, size_t length, size_t capacity) {
  if (status == napi_ok && length < capacity - 1) return (uint32_t)length;
  napi_throw_range_error(call->env, "ERR_SLUICE_STRING", "a string for the native engine is too long, or none");
  return UINT32_MAX;
}

uint32_t call_latin1(const struct call *call, size_t index, char *out, size_t capacity) {
  size_t length = 0;
  napi_status status = napi_get_value_string_latin1(call->env, call->arguments[index], out, capacity, &length);
  return checked(call, status, length, capacity);
}

uint32_t call_utf8(const struct call *call, size_t index, char *out, size_t capacity) {
  size_t length = 0;
  napi_status status = napi_get_value_string_utf8(call->env, call->arguments[index], out, capacity, &length);
  return checked(call, status, length, capacity);
}

struct engine *call_engine(const struct call *call) {
  struct engine *engine = engine_get(call_u32(call, 0));
  if (engine == NULL) napi_throw_range_error(call->env, "ERR_SLUICE_ENGINE", "no engine has this index");
  return engine;
}

napi_value call_boolean(const struct call *call, bool value) {
  napi_value result = NULL;
  napi_get_boolean(call->env, value, &result);
  return result;
}

void addon_define(napi_env env, napi_value exports, const struct method *methods, size_t count) {
  for (size_t i = 0; i < count; i++) {
    napi_value function = NULL;
    napi_create_function(env, methods[i].name, NAPI_AUTO_LENGTH, methods[i].callback, NULL, &function);
    napi_set_named_property(env, exports, methods[i].name, function);
  }
}

static double option(napi_env env, napi_value object, const char *name) {
  napi_value value = NULL;
  double number = 0;
  if (napi_get_named_property(env, object, name, &value) == napi_ok) napi_get_value_double(env, value, &number);
  return number;
}

static napi_value create(napi_env env, napi_callback_info info) {
  struct call call;
  if (!call_read(&call, env, info, 1)) return NULL;
  napi_value object = call.arguments[0], result = NULL;
  struct engine_options options = {
      .head_bytes_max = (uint32_t)option(env, object, "headBytesMax"),
      .queue_max = (uint32_t)option(env, object, "queueMax"),
      .connections_max = (uint32_t)option(env, object, "connectionsMax"),
      .pending_bytes_max = (uint64_t)option(env, object, "pendingBytesMax"),
      .log_ring_bytes = (uint32_t)option(env, object, "logRingBytes"),
      .request_head_timeout_ms = (uint32_t)option(env, object, "requestHeadTimeoutMs"),
      .half_close_timeout_ms = (uint32_t)option(env, object, "halfCloseTimeoutMs"),
      .linger_timeout_ms = (uint32_t)option(env, object, "lingerTimeoutMs"),
      .keepalive = {.idle_s = (uint32_t)option(env, object, "keepaliveIdleS"),
                    .interval_s = (uint32_t)option(env, object, "keepaliveIntervalS"),
                    .count = (uint32_t)option(env, object, "keepaliveCount"),
                    .user_timeout_ms = (uint32_t)option(env, object, "userTimeoutMs")},
  };
  struct engine *engine = engine_create(&options);
  if (engine == NULL) {
    napi_throw_error(env, "ERR_SLUICE_ENGINE", strerror(errno));
    return NULL;
  }
  napi_create_uint32(env, engine_index(engine), &result);
  return result;
}

static napi_value stats(napi_env env, napi_callback_info info) {
  struct call call;
  struct engine *engine = call_read(&call, env, info, 2) ? call_engine(&call) : NULL;
  if (engine == NULL) return NULL;
  double *out = NULL;
  size_t length = 0;
  napi_typedarray_type type = napi_uint8_array;
  napi_get_typedarray_info(env, call.arguments[1], &type, &length, (void **)&out, NULL, NULL);
  struct engine_stats numbers;
  engine_stats(engine, &numbers);
  const uint64_t *number = (const uint64_t *)&numbers;
  size_t count = sizeof numbers / sizeof *number;
  if (type != napi_float64_array || length < count) {
    napi_throw_type_error(env, "ERR_SLUICE_ARGUMENTS", "engineStats wants a Float64Array as long as STAT_NAMES");
    return NULL;
  }
  for (size_t i = 0; i < count; i++) out[i] = (double)number[i];
  return NULL;
}

static napi_value close_all(napi_env env, napi_callback_info info) {
  struct call call;
  struct engine *engine = call_read(&call, env, info, 2) ? call_engine(&call) : NULL;
  char text[64];
  if (engine == NULL || call_latin1(&call, 1, text, sizeof text) == UINT32_MAX) return NULL;
  int reason = reason_parse(text);
  if (reason >= 0) {
    engine_close_all(engine, (enum reason)reason);
  } else {
    napi_throw_range_error(env, "ERR_SLUICE_REASON", "not a close reason");
  }
  return NULL;
}

/* Argument `index`, a duration in ms, as 31 bits; UINT32_MAX, with an exception pending, when it is none. */
static uint32_t call_duration(const struct call *call, size_t index) {
  double value = call_double(call, index);
  if (value >= 0) return value < INT32_MAX ? (uint32_t)value : INT32_MAX;
  napi_throw_range_error(call->env, "ERR_SLUICE_ARGUMENTS", "the native engine wants a duration of 0 ms or more");
  return UINT32_MAX;
}

typedef bool (*end_call)(struct engine *, uint32_t, enum reason, uint32_t, uint32_t);

static napi_value end_some(napi_env env, napi_callback_info info, end_call end) {
  struct call call;
  struct engine *engine = call_read(&call, env, info, 5) ? call_engine(&call) : NULL;
  char text[64];
  if (engine == NULL || call_latin1(&call, 2, text, sizeof text) == UINT32_MAX) return NULL;
  int reason = reason_parse(text);
  uint32_t after_ms = call_duration(&call, 3), window_ms = after_ms != UINT32_MAX ? call_duration(&call, 4) : UINT32_MAX;
  if (window_ms == UINT32_MAX) return NULL;
  if (reason < 0) {
    napi_throw_range_error(env, "ERR_SLUICE_REASON", "not a close reason");
  } else if (!end(engine, call_u32(&call, 1), (enum reason)reason, after_ms, window_ms)) {
    napi_throw_error(env, "ERR_SLUICE_ENDINGS", strerror(errno));
  }
  return NULL;
}

static napi_value end_endpoint(napi_env env, napi_callback_info info) {
  return end_some(env, info, engine_end_endpoint);
}

static napi_value end_owner(napi_env env, napi_callback_info info) { return end_some(env, info, engine_end_owner); }

static napi_value keep_endpoint(napi_env env, napi_callback_info info) {
  struct call call;
  struct engine *engine = call_read(&call, env, info, 2) ? call_engine(&call) : NULL;
  if (engine != NULL) engine_keep_endpoint(engine, call_u32(&call, 1));
  return NULL;
}

static napi_value keep_owner(napi_env env, napi_callback_info info) {
  struct call call;
  struct engine *engine = call_read(&call, env, info, 2) ? call_engine(&call) : NULL;
  if (engine != NULL) engine_keep_owner(engine, call_u32(&call, 1));
  return NULL;
}

static napi_value set_meters(napi_env env, napi_callback_info info) {
  struct call call;
  struct engine *engine = call_read(&call, env, info, 2) ? call_engine(&call) : NULL;
  if (engine == NULL) return NULL;
  uint64_t *cells = NULL;
  size_t length = 0;
  napi_typedarray_type type = napi_uint8_array;
  napi_get_typedarray_info(env, call.arguments[1], &type, &length, (void **)&cells, NULL, NULL);
  if (type != napi_biguint64_array || cells == NULL || length % METER_CELLS != 0) {
    napi_throw_range_error(env, "ERR_SLUICE_ARGUMENTS", "engineSetMeters wants a BigUint64Array of whole groups");
    return NULL;
  }
  if (!engine_set_meters(engine, cells, (uint32_t)(length / METER_CELLS))) {
    napi_throw_error(env, "ERR_SLUICE_METERS", strerror(errno));
    return NULL;
  }
  /* Held for the environment's life: the primary's, which is the process's. */
  napi_ref held = NULL;
  napi_create_reference(env, call.arguments[1], 1, &held);
  return NULL;
}

static napi_value log_read(napi_env env, napi_callback_info info) {
  struct call call;
  struct engine *engine = call_read(&call, env, info, 2) ? call_engine(&call) : NULL;
  if (engine == NULL) return NULL;
  uint8_t *out = NULL;
  size_t length = 0;
  napi_get_typedarray_info(env, call.arguments[1], NULL, &length, (void **)&out, NULL, NULL);
  napi_value result = NULL;
  napi_create_uint32(env, out != NULL ? (uint32_t)engine_log_read(engine, out, length) : 0, &result);
  return result;
}

static napi_value close_reasons(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value list = NULL;
  napi_create_array_with_length(env, REASON_COUNT, &list);
  for (uint32_t i = 0; i < REASON_COUNT; i++) {
    napi_value text = NULL;
    napi_create_string_latin1(env, reason_text((enum reason)i), NAPI_AUTO_LENGTH, &text);
    napi_set_element(env, list, i, text);
  }
  return list;
}

NAPI_MODULE_INIT() {
  static const struct method methods[] = {{"engineCreate", create},
                                          {"engineStats", stats},
                                          {"engineCloseAll", close_all},
                                          {"engineEndEndpoint", end_endpoint},
                                          {"engineKeepEndpoint", keep_endpoint},
                                          {"engineEndOwner", end_owner},
                                          {"engineKeepOwner", keep_owner},
                                          {"engineSetMeters", set_meters},
                                          {"logRead", log_read},
                                          {"closeReasons", close_reasons}};
  addon_define(env, exports, methods, sizeof methods / sizeof *methods);
  addon_acceptor_init(env, exports);
  addon_attach_init(env, exports);
  addon_commands_init(env, exports);
  addon_tls_init(env, exports);
  addon_detach_init(env, exports);
  return exports;
}
