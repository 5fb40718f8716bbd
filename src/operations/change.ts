/**
 * Inputs of changes.
 *
 * @module
 */
import { z } from "zod";

/** The fields of `shape`, each of which may be left out. Their defaults go: they would reset what nobody mentioned. */
export function toChange<S extends z.ZodRawShape>(
  shape: S,
): { [K in keyof S]: z.ZodOptional<z.ZodType<z.output<S[K]>>> } {
  return Object.fromEntries(
    Object.entries(shape).map(([name, field]) => {
      const plain = field instanceof z.ZodDefault || field instanceof z.ZodPrefault
        ? field.unwrap() as z.ZodType
        : field;
      return [name, (plain as z.ZodType).optional()];
    }),
  ) as { [K in keyof S]: z.ZodOptional<z.ZodType<z.output<S[K]>>> };
}
