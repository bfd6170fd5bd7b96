/*
 * What the addon's files share. addon*.c are the only files that know Node-API and libuv; the core knows neither.
 *
 * Arguments have been checked in TypeScript (src/engine/engine.ts): a call that fails here is a bug of ours and throws.
 */
#ifndef SLUICE_ADDON_H
#define SLUICE_ADDON_H

#include <node_api.h>
#include <stdbool.h>

#include "engine.h"

#define ARGUMENTS_MAX 10

struct call {
  napi_env env;
  size_t count;
  napi_value arguments[ARGUMENTS_MAX];
};

/* Reads the call's arguments; false, with an exception pending, when there are fewer than `wanted`. */
bool call_read(struct call *call, napi_env env, napi_callback_info info, size_t wanted);
uint32_t call_u32(const struct call *call, size_t index);
double call_double(const struct call *call, size_t index);
bool call_bool(const struct call *call, size_t index);
/* Copies a string into `out`, with a final NUL; UINT32_MAX (and an exception) when it does not fit. */
uint32_t call_latin1(const struct call *call, size_t index, char *out, size_t capacity);
uint32_t call_utf8(const struct call *call, size_t index, char *out, size_t capacity);
/* The engine named by argument 0; NULL, with an exception pending, when there is none. */
struct engine *call_engine(const struct call *call);
napi_value call_boolean(const struct call *call, bool value);

struct method {
  const char *name;
  napi_callback callback;
};
void addon_define(napi_env env, napi_value exports, const struct method *methods, size_t count);
void addon_attach_init(napi_env env, napi_value exports);
void addon_commands_init(napi_env env, napi_value exports);
void addon_acceptor_init(napi_env env, napi_value exports);
void addon_tls_init(napi_env env, napi_value exports);
void addon_detach_init(napi_env env, napi_value exports);

/* True when this environment drives the engine; throws otherwise. */
bool attachment_check(napi_env env, struct engine *engine);

#endif
