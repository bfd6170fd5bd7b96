/**
 * Schema of the block `websocket` of a HealthCheckPolicy, and the annotation that holds it as text.
 *
 * The block is our extension: a manifest that the reference's CRD must take too has it in `sluice.dev/websocket-probe`. Any thread.
 */
import { z } from 'zod';
import { Fault, type ValueType } from './annotation-values.js';
import { authority } from './authority.js';
import { token } from './policy-fields.js';
import { fields, wrong } from './schema.js';
import { yamlPackage } from './yaml-package.js';

const RESERVED_FIELDS = /^(?:host|connection|upgrade|content-length|transfer-encoding|te|trailer|sec-websocket-.*)$/i;
const TEXT_MAX = 16_384;

export const requestPath = z
  .string()
  .max(1024, wrong('is longer than 1024 characters'))
  .regex(/^\//, wrong('is not an absolute path', 'begin it with "/"'))
  .regex(/^[!"$-~]*$/, wrong('contains a character that no path has', 'escape it as in %20'));

const headerField = fields({
  name: token.refine(
    (name) => !RESERVED_FIELDS.test(name),
    wrong('is a field that the probe sets itself', 'remove it'),
  ),
  value: z
    .string()
    .max(4096, wrong('is longer than 4096 characters'))
    .regex(
      /^(?:[!-~](?:[\t -~]*[!-~])?)?$/,
      wrong('is not the value of a header field', 'use visible ASCII and spaces within'),
    ),
});

export const websocketProbe = fields({
  host: authority.optional(),
  path: requestPath.optional(),
  subprotocol: token.optional(),
  headers: z.array(headerField).max(32, wrong('has more than 32 fields')).optional(),
  ping: z.boolean().optional(),
});

export type WebsocketProbe = z.infer<typeof websocketProbe>;

export const websocketProbeValue: ValueType<WebsocketProbe> = {
  form: 'YAML or JSON mapping with host, path, subprotocol, headers and ping',
  range: '',
  read(text) {
    if (text.length > TEXT_MAX) return new Fault(wrong(`is longer than ${TEXT_MAX} characters`));
    const read = websocketProbe.safeParse(mappingOf(text));
    if (read.success) return read.data;
    const hint = 'write the block websocket as text, as in "{ path: /health, ping: true }"';
    return new Fault(wrong(`holds no WebSocket probe: ${faultOf(read.error)}`, hint));
  },
};

/** The YAML value of the text; the text itself when it is no YAML, which no schema takes for a mapping. */
function mappingOf(text: string): unknown {
  try {
    const document = yamlPackage().parseDocument(text, { prettyErrors: false });
    return document.errors.length > 0 ? text : document.toJS({ maxAliasCount: 0 });
  } catch {
    return text;
  }
}

/** `headers[0].name: is not a token` of the first issue. */
function faultOf(error: z.core.$ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined || issue.path.length === 0) {
    return issue?.code === 'unrecognized_keys' ? `unknown field ${issue.keys.join(', ')}` : 'a mapping is expected';
  }
  const [message = ''] = issue.message.split('\n');
  return `${issue.path.join('.')}: ${issue.code === 'invalid_type' ? `must be a ${issue.expected}` : message}`;
}
