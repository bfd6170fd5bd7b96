/**
 * The fields of a kind as its schema has them: path, type, default, whether it is required or refused.
 *
 * Walks zod types; what a type does beyond its shape (refinements, transforms) is in the field's document.
 */

const WRAPPERS = new Set(['optional', 'default', 'prefault', 'nonoptional', 'nullable', 'readonly', 'catch']);

/** The type inside wrappers and transforms, and the default that the outermost of them gives. */
function unwrap(schema) {
  let current = schema;
  let fallback;
  let optional = false;
  for (;;) {
    const { type } = current.def;
    if (type === 'default' || type === 'prefault') fallback ??= current.def.defaultValue;
    if (type === 'optional' || type === 'default' || type === 'prefault') optional = true;
    if (WRAPPERS.has(type)) current = current.def.innerType;
    else if (type === 'pipe') current = current.def.in;
    else return { schema: current, fallback, optional };
  }
}

function isRefused(schema) {
  return schema.def.type === 'undefined';
}

function typeName(schema) {
  const { schema: inner } = unwrap(schema);
  const { type } = inner.def;
  if (type === 'enum')
    return Object.values(inner.def.entries)
      .map((value) => `\`${value === '' ? '""' : value}\``)
      .join(', ');
  if (type === 'union') return [...new Set(inner.def.options.map(typeName))].join(' or ');
  if (type === 'array') return `list of ${plural(typeName(inner.def.element))}`;
  if (type === 'object') return 'mapping';
  if (type === 'record') return 'mapping of strings';
  if (type === 'literal') return [...inner.def.values].map((value) => `\`${value}\``).join(', ');
  if (type === 'number') return 'number';
  return type === 'unknown' || type === 'any' ? 'any' : type;
}

function plural(name) {
  return { string: 'strings', number: 'numbers', mapping: 'mappings', boolean: 'booleans' }[name] ?? name;
}

function shown(fallback) {
  const value = typeof fallback === 'function' ? fallback() : fallback;
  if (value === undefined || value === Number.POSITIVE_INFINITY) return '';
  if (typeof value === 'object' && Object.keys(value).length === 0) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value) || '""';
}

/** Fields below `schema`, in the order of the schema. */
export function fieldsOf(schema, path = '') {
  const { schema: inner } = unwrap(schema);
  if (inner.def.type === 'array') return fieldsOf(inner.def.element, `${path}[]`);
  if (inner.def.type !== 'object') return [];
  return Object.entries(inner.shape).flatMap(([name, field]) => {
    const at = path === '' ? name : `${path}.${name}`;
    const { schema: type, fallback, optional } = unwrap(field);
    if (isRefused(type)) return [{ path: at, refused: hintOf(field) }];
    const own = { path: at, type: typeName(field), default: shown(fallback), required: !optional };
    return [own, ...fieldsOf(field, at)];
  });
}

/** Second line of the message with which a field is refused. */
function hintOf(schema) {
  const message = schema.safeParse(0).error?.issues[0]?.message ?? '';
  return message.split('\n')[1] ?? message;
}
