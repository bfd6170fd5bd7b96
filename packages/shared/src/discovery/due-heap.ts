/** A binary heap of things that are due at a time: the earliest is on top. Not thread-safe; nothing is. */
export interface Due {
  /** Must not change while the thing is in the heap. */
  readonly dueMs: number;
}

export class DueHeap<T extends Due> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let index = items.push(item) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#due(parent) <= item.dueMs) break;
      this.#move(parent, index);
      index = parent;
    }
    items[index] = item;
  }

  pop(): T | undefined {
    const top = this.#items[0];
    const last = this.#items.pop();
    if (last === undefined || this.#items.length === 0) return top;
    let index = 0;
    for (;;) {
      const child = this.#earlierChild(index);
      if (child >= this.#items.length || this.#due(child) >= last.dueMs) break;
      this.#move(child, index);
      index = child;
    }
    this.#items[index] = last;
    return top;
  }

  /** Keeps only what `isKept`. */
  filter(isKept: (item: T) => boolean): void {
    const kept = this.#items.filter(isKept);
    this.#items.length = 0;
    for (const item of kept) this.push(item);
  }

  #earlierChild(index: number): number {
    const left = 2 * index + 1;
    return left + 1 < this.#items.length && this.#due(left + 1) < this.#due(left) ? left + 1 : left;
  }

  #due(index: number): number {
    return this.#items[index]?.dueMs ?? Number.POSITIVE_INFINITY;
  }

  #move(from: number, to: number): void {
    const item = this.#items[from];
    if (item !== undefined) this.#items[to] = item;
  }
}
