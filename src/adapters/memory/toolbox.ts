/**
 * The toolbox of a server to which no tool server is attached.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Toolbox } from "../../ports/toolbox.ts";

/** No tools at all. */
export const noTools: Toolbox = {
  list: () => Promise.resolve([]),
  call: (tool) =>
    Promise.reject(new AppError("NotFoundError", `Cannot call tool "${tool}": no tool server is attached`)),
};
