/*
 * Attachments: an environment (a worker thread) that drives an engine by polling its epoll descriptor.
 *
 * The rules that keep the process alive when a worker dies, each with its test (throw, process.exit, terminate(), heap
 * limit, endless loop):
 * - an attachment ends in two steps, poll handle closed first, memory freed in its close callback; the async cleanup
 *   hook holds the environment's end back until then;
 * - no connection pointer is held across the call into JavaScript, which happens once a turn, in one callback scope;
 * - an exception out of it is fatal to the environment, and the engine is dead for the acceptor at once.
 */
#include <stdlib.h>
#include <uv.h>

#include "addon.h"

/* Turns a callback may take before the loop gets its say: a busy engine must not starve timers and messages. */
#define ROUNDS_MAX 4

struct attachment {
  uv_poll_t poll; /* first: the handle is the attachment */
  napi_env env;
  struct engine *engine;
  napi_ref on_events; /* NULL: adopted */
  napi_async_context context;
  napi_async_cleanup_hook_handle hook;
  bool failed, closing, hooked;
  struct attachment *next; /* of this environment */
};

/* The attachments of one environment, kept as the module's instance data. */
struct environment {
  struct attachment *first;
};

static struct environment *environment_of(napi_env env) {
  struct environment *environment = NULL;
  napi_get_instance_data(env, (void **)&environment);
  return environment;
}

static struct attachment *find(napi_env env, const struct engine *engine) {
  struct environment *environment = environment_of(env);
  struct attachment *attachment = environment != NULL ? environment->first : NULL;
  while (attachment != NULL && attachment->engine != engine) attachment = attachment->next;
  return attachment;
}

bool attachment_check(napi_env env, struct engine *engine) {
  struct attachment *attachment = find(env, engine);
  if (attachment != NULL && attachment->on_events != NULL && !attachment->failed) return true;
  napi_throw_error(env, "ERR_SLUICE_DETACHED", "this thread does not drive the engine");
  return false;
}

static void on_closed(uv_handle_t *handle) {
  struct attachment *attachment = (struct attachment *)handle;
  if (attachment->hook != NULL) napi_remove_async_cleanup_hook(attachment->hook);
  free(attachment);
}

/* Gives the engine up at once, the handle as soon as the loop has closed it. */
static void finish(struct attachment *attachment) {
  if (attachment->closing) return;
  attachment->closing = true;
  uv_poll_stop(&attachment->poll);
  engine_detach(attachment->engine);
  uv_close((uv_handle_t *)&attachment->poll, on_closed);
}

static void unlink_attachment(struct attachment *attachment) {
  struct environment *environment = environment_of(attachment->env);
  struct attachment **place = environment != NULL ? &environment->first : NULL;
  while (place != NULL && *place != NULL && *place != attachment) place = &(*place)->next;
  if (place != NULL && *place != NULL) *place = attachment->next;
}

static void on_cleanup(napi_async_cleanup_hook_handle hook, void *data) {
  struct attachment *attachment = data;
  attachment->hook = hook;
  if (attachment->hooked) return; /* closing already: on_closed removes the hook */
  attachment->hooked = true;
  finish(attachment);
}

/* The environment's JavaScript has failed: nothing more is told to it, and the acceptor passes this engine by. */
static void fail(struct attachment *attachment) {
  napi_env env = attachment->env;
  attachment->failed = true;
  if (!attachment->closing) engine_fail(attachment->engine); /* else it is another thread's by now */
  bool pending = false;
  napi_value error = NULL;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return; /* terminated: no exception to report */
  if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
}

static bool deliver(struct attachment *attachment, size_t length) {
  napi_env env = attachment->env;
  napi_value callback = NULL, argument = NULL, global = NULL;
  bool called = napi_get_reference_value(env, attachment->on_events, &callback) == napi_ok &&
                napi_get_global(env, &global) == napi_ok &&
                napi_create_uint32(env, (uint32_t)length, &argument) == napi_ok &&
                napi_make_callback(env, attachment->context, global, callback, 1, &argument, NULL) == napi_ok;
  if (!called) fail(attachment);
  return called;
}

/* One run: turns, each followed by the delivery of what it found. */
static void on_poll(uv_poll_t *handle, int status, int events) {
  (void)status;
  (void)events;
  struct attachment *attachment = (struct attachment *)handle;
  struct engine *engine = attachment->engine;
  if (attachment->closing || attachment->failed) return;
  napi_handle_scope scope = NULL;
  for (int round = 0; round < ROUNDS_MAX; round++) {
    bool more = engine_turn(engine);
    size_t length = attachment->on_events != NULL ? engine_events(engine) : 0;
    if (length == 0 && !more) break;
    if (length == 0) continue;
    if (scope == NULL && napi_open_handle_scope(attachment->env, &scope) != napi_ok) break;
    bool delivered = deliver(attachment, length);
    if (attachment->closing) break; /* detached by its own callback */
    if (!delivered) break;
    engine_delivered(engine);
  }
  if (!attachment->closing && !attachment->failed) engine_rest(engine);
  if (scope != NULL) napi_close_handle_scope(attachment->env, scope);
  if (attachment->failed && !attachment->closing) {
    unlink_attachment(attachment); /* a thread that survives its exception must not keep the engine */
    finish(attachment);
  }
}

static struct attachment *attachment_open(napi_env env, struct engine *engine, bool deciding) {
  if (!engine_attach(engine, deciding)) {
    napi_throw_error(env, "ERR_SLUICE_ATTACHED", "another thread drives this engine");
    return NULL;
  }
  uv_loop_t *loop = NULL;
  struct attachment *attachment = calloc(1, sizeof *attachment);
  if (attachment == NULL || napi_get_uv_event_loop(env, &loop) != napi_ok ||
      uv_poll_init(loop, &attachment->poll, engine_poll_fd(engine)) != 0) {
    free(attachment);
    engine_detach(engine);
    napi_throw_error(env, "ERR_SLUICE_ATTACH", "cannot poll the engine");
    return NULL;
  }
  attachment->env = env;
  attachment->engine = engine;
  struct environment *environment = environment_of(env);
  attachment->next = environment->first;
  environment->first = attachment;
  napi_add_async_cleanup_hook(env, on_cleanup, attachment, &attachment->hook);
  uv_poll_start(&attachment->poll, UV_READABLE, on_poll);
  return attachment;
}

static void keep_memory(napi_env env, void *data, void *hint) {
  (void)env;
  (void)data;
  (void)hint; /* the engine's, for as long as the process lives */
}

static napi_value attach(napi_env env, napi_callback_info info) {
  struct call call;
  struct engine *engine = call_read(&call, env, info, 2) ? call_engine(&call) : NULL;
  struct attachment *attachment = engine != NULL ? attachment_open(env, engine, true) : NULL;
  if (attachment == NULL) return NULL;
  napi_value name = NULL, buffer = NULL;
  napi_create_string_latin1(env, "sluice:engine", NAPI_AUTO_LENGTH, &name);
  napi_async_init(env, NULL, name, &attachment->context);
  napi_create_reference(env, call.arguments[1], 1, &attachment->on_events);
  napi_create_external_arraybuffer(env, engine_event_buffer(engine), EVENT_BUFFER_BYTES, keep_memory, NULL, &buffer);
  return buffer;
}

static napi_value adopt(napi_env env, napi_callback_info info) {
  struct call call;
  struct engine *engine = call_read(&call, env, info, 1) ? call_engine(&call) : NULL;
  if (engine != NULL) attachment_open(env, engine, false);
  return NULL;
}

static napi_value detach(napi_env env, napi_callback_info info) {
  struct call call;
  struct engine *engine = call_read(&call, env, info, 1) ? call_engine(&call) : NULL;
  struct attachment *attachment = engine != NULL ? find(env, engine) : NULL;
  if (attachment == NULL) return NULL;
  unlink_attachment(attachment);
  if (attachment->on_events != NULL) napi_delete_reference(env, attachment->on_events);
  if (attachment->context != NULL) napi_async_destroy(env, attachment->context);
  attachment->on_events = NULL;
  attachment->context = NULL;
  finish(attachment);
  return NULL;
}

static napi_value ready(napi_env env, napi_callback_info info) {
  struct call call;
  struct engine *engine = call_read(&call, env, info, 1) ? call_engine(&call) : NULL;
  if (engine != NULL && attachment_check(env, engine)) engine_ready(engine);
  return NULL;
}

static void free_environment(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  free(data);
}

void addon_attach_init(napi_env env, napi_value exports) {
  static const struct method methods[] = {
      {"attach", attach}, {"adopt", adopt}, {"detach", detach}, {"ready", ready}};
  addon_define(env, exports, methods, sizeof methods / sizeof *methods);
  napi_set_instance_data(env, calloc(1, sizeof(struct environment)), free_environment, NULL);
}
