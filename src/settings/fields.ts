/**
 * The kinds of settings there are.
 *
 * @module
 */
import { z } from "zod";

/** A setting, or section of them, that takes effect when the settings are read again. */
export const reloadable = { reloadable: true };

/** Any text. */
export const text = (why: string, standard = "") => z.string().default(standard).describe(why);
/** A text that is never shown. */
export const secret = (why: string) => z.string().default("").meta({ description: why, secret: true });
/** A key: a secret without spaces. */
export const key = (why: string) =>
  z.string().refine(
    (value) => /^[\x21-\x7e]{0,512}$/.test(value),
    "512 printable ASCII characters at most, without spaces",
  )
    .default("").meta({ description: why, secret: true, ...reloadable });
/** Yes or no. */
export const flag = (why: string, standard: boolean) => z.boolean().default(standard).describe(why);
/** A whole number. */
export const count = (why: string, standard: number, { min = 1, max = 1_000_000_000 } = {}) =>
  z.number().int().min(min).max(max).default(standard).describe(why);
/** A number. */
export const amount = (why: string, standard: number, { min = 0, max = 1_000_000 } = {}) =>
  z.number().min(min).max(max).default(standard).describe(why);
/** Several texts. */
export const list = (why: string, item: z.ZodString = z.string().min(1)) => z.array(item).default([]).describe(why);

/** Only http and https addresses; empty means not given. */
export const httpUrl = (why: string, standard = "") =>
  z.string().refine(isEmptyOrHttpUrl, "an address such as https://example.org").default(standard).describe(why);

function isEmptyOrHttpUrl(value: string): boolean {
  return value === "" || /^https?:$/.test(URL.parse(value)?.protocol ?? "");
}
