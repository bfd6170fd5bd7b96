/**
 * Grouping that keeps order: what Object.groupBy and Map.groupBy do, which Node 20 does not have.
 *
 * Groups and their values come in order of first appearance, which the compiler's determinism rests on. Pure.
 */

/** The values in groups of equal key. */
export function groupBy<Value, Key>(values: Iterable<Value>, key: (value: Value) => Key): Map<Key, Value[]> {
  const groups = new Map<Key, Value[]>();
  for (const value of values) {
    const name = key(value);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [value]);
    else group.push(value);
  }
  return groups;
}
