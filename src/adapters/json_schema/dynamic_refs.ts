/**
 * `$dynamicRef` and `$dynamicAnchor`, which the validator doesn't know.
 *
 * @module
 */

type Fields = Record<string, unknown>;

/**
 * Says them in words that the validator knows. In a schema of one piece there is one place that a dynamic reference can
 * lead to, whoever comes along, as with a plain one; where parts have an `$id` of their own there may be several.
 */
export class DynamicRefs {
  /** The first one there is. */
  #first: unknown;
  /** Whether a part of the schema is a piece by itself, or has two names. */
  #inPieces = false;

  /** Looks at a part of the schema, at its root or below, and changes it. */
  take(node: Fields, { root }: { root: boolean }): void {
    const { $id, $ref, $anchor, $dynamicRef, $dynamicAnchor } = node;
    if (!root && $id !== undefined) this.#inPieces = true;
    if (typeof $dynamicAnchor === "string") {
      delete node.$dynamicAnchor;
      if ($anchor === undefined) node.$anchor = $dynamicAnchor;
      else if ($anchor !== $dynamicAnchor) this.#inPieces = true;
    }
    if (typeof $dynamicRef !== "string") return;
    this.#first ??= $dynamicRef;
    delete node.$dynamicRef;
    if ($ref === undefined) node.$ref = $dynamicRef;
    else node.allOf = [...listOf(node.allOf), { $ref: $dynamicRef }];
  }

  /** Why the schema can't be checked, once every part was taken. */
  get problem(): string | undefined {
    if (this.#first === undefined || !this.#inPieces) return undefined;
    return `the schema has the $dynamicRef "${
      String(this.#first).slice(0, 200)
    }" among several $id or names, which can't be checked`;
  }
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
