/**
 * Paths inside a resource, as the schemas produce them and as people read them: `spec.rules[0].matches[1].path`.
 *
 * Keys that are no plain words are quoted, so that a path can always be read back. Any thread.
 */

export type ConfigPath = readonly (string | number)[];

/** The path as text; `''` for the root. */
export function formatPath(path: ConfigPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}
