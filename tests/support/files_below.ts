/**
 * Everything in a folder.
 *
 * @module
 */

/** The paths of all files below `dir`. */
export async function filesBelow(dir: string): Promise<string[]> {
  const found = await Array.fromAsync(Deno.readDir(dir), async ({ name, isDirectory, isFile }) => {
    const path = `${dir}/${name}`;
    if (isDirectory) return await filesBelow(path);
    return isFile ? [path] : [];
  });
  return found.flat();
}
