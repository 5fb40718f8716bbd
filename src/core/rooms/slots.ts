/**
 * Which of a receiver's sections carries which source, where there may be more sources than sections.
 *
 * @module
 */

/**
 * Gives the first of `wanted`, as many as there are `slots`, a slot each. Who has one and is still among them keeps it,
 * so that nothing is cut off that need not be.
 */
export function assignSlots<Source>(
  slots: readonly string[],
  { wanted, now }: { wanted: readonly Source[]; now: ReadonlyMap<string, Source> },
): Map<string, Source> {
  const chosen = new Set(wanted.slice(0, slots.length));
  const assigned = new Map<string, Source>();
  for (const slot of slots) {
    const source = now.get(slot);
    if (source !== undefined && chosen.delete(source)) assigned.set(slot, source);
  }
  for (const slot of slots) {
    if (assigned.has(slot)) continue;
    const [next] = chosen;
    if (next === undefined) break;
    chosen.delete(next);
    assigned.set(slot, next);
  }
  return assigned;
}
