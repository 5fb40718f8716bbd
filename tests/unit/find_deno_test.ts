import { strict as assert } from "node:assert";
import { dirname } from "node:path";
import { findDeno } from "../../src/app/find_deno.ts";

const own = Deno.execPath();

Deno.test("programs run by the Deno that is named, else by our own, else by the path's where ours is none", async () => {
  const MUXI_DENO = import.meta.filename!;
  assert.equal(await findDeno({ variables: { MUXI_DENO } }), MUXI_DENO);
  assert.equal(await findDeno({ variables: {} }), own);
  const PATH = `relative:/nowhere:${dirname(own)}`;
  assert.equal(await findDeno({ variables: { PATH }, standalone: true }), `${dirname(own)}/deno`);
});

Deno.test("without a Deno it is said what to set", async () => {
  await assert.rejects(findDeno({ variables: { PATH: "/nowhere" }, standalone: true }), /set MUXI_DENO to the path of/);
  await assert.rejects(findDeno({ variables: { MUXI_DENO: "/nowhere/deno" } }), /MUXI_DENO is "\/nowhere\/deno"/);
});
