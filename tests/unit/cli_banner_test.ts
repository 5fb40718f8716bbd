/**
 * The banner looks as the seed draws it, whatever the address.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { toBanner } from "../../src/transports/cli/banner.ts";

const PLAIN = `
╭──────────────────────────────────────╮
│  ███╗   ███╗ ██╗   ██╗ ██╗  ██╗ ██╗  │
│  ████╗ ████║ ██║   ██║ ╚██╗██╔╝ ██║  │
│  ██╔████╔██║ ██║   ██║  ╚███╔╝  ██║  │
│  ██║╚██╔╝██║ ██║   ██║  ██╔██╗  ██║  │
│  ██║ ╚═╝ ██║ ╚██████╔╝ ██╔╝ ██╗ ██║  │
│  ╚═╝     ╚═╝  ╚═════╝  ╚═╝  ╚═╝ ╚═╝  │
│───────────────┬──────────────────────│
│  * MUXI Core  │  Version: 1.2.0      │
│───────────────┴──────────────────────│
│                                      │
│  Running on:                         │
│  http://0.0.0.0:8000                 │
│                                      │
╰──────────────────────────────────────╯
`;

const WITH_KEYS = `
╭──────────────────────────────────────╮
│  ███╗   ███╗ ██╗   ██╗ ██╗  ██╗ ██╗  │
│  ████╗ ████║ ██║   ██║ ╚██╗██╔╝ ██║  │
│  ██╔████╔██║ ██║   ██║  ╚███╔╝  ██║  │
│  ██║╚██╔╝██║ ██║   ██║  ██╔██╗  ██║  │
│  ██║ ╚═╝ ██║ ╚██████╔╝ ██╔╝ ██╗ ██║  │
│  ╚═╝     ╚═╝  ╚═════╝  ╚═╝  ╚═╝ ╚═╝  │
│───────────────┬──────────────────────│
│  * MUXI Core  │  Version: 1.2.0      │
│───────────────┴──────────────────────│
│                                      │
│  Running on:                         │
│  http://0.0.0.0:8000                 │
│                                      │
╰─────────────┬────────────────────────╯
              │
╭─────────────┴────────────────────────────────────────────────────────╮
│                                                                      │
│  API Keys (auto-generated):                                          │
│                                                                      │
│   — User:  sk_muxi_user_xxxxxxxxxxxxxxxxxxxxx                        │
│   — Admin: sk_muxi_admin_xxxxxxxxxxxxxxxxxxxxx                       │
│                                                                      │
│  ⚡ Auto-generating API keys should only be used during development.  │
│  We recommend to explicitly set your own API keys.                   │
│                                                                      │
╰──────────────────────────────────────────────────────────────────────╯
`;

const WIDE = `
╭───────────────────────────────────────────────────────────╮
│  ███╗   ███╗ ██╗   ██╗ ██╗  ██╗ ██╗                       │
│  ████╗ ████║ ██║   ██║ ╚██╗██╔╝ ██║                       │
│  ██╔████╔██║ ██║   ██║  ╚███╔╝  ██║                       │
│  ██║╚██╔╝██║ ██║   ██║  ██╔██╗  ██║                       │
│  ██║ ╚═╝ ██║ ╚██████╔╝ ██╔╝ ██╗ ██║                       │
│  ╚═╝     ╚═╝  ╚═════╝  ╚═╝  ╚═╝ ╚═╝                       │
│───────────────┬───────────────────────────────────────────│
│  * MUXI Core  │  Version: 1.2.0                           │
│───────────────┴───────────────────────────────────────────│
│                                                           │
│  Running on:                                              │
│  https://muxi.a-rather-long-name.example.org:8443/agents  │
│                                                           │
╰───────────────────────────────────────────────────────────╯
`;

Deno.test("without generated keys the banner is the seed's first", () => {
  assert.equal(`\n${toBanner({ version: "1.2.0", address: "http://0.0.0.0:8000" })}`, PLAIN);
});

Deno.test("with generated keys the banner is the seed's second, letter by letter", () => {
  const keys = { user: `sk_muxi_user_${"x".repeat(21)}`, admin: `sk_muxi_admin_${"x".repeat(21)}` };
  assert.equal(`\n${toBanner({ version: "1.2.0", address: "http://0.0.0.0:8000", keys })}`, WITH_KEYS);
});

Deno.test("a long address makes the box wider", () => {
  const banner = toBanner({ version: "1.2.0", address: "https://muxi.a-rather-long-name.example.org:8443/agents" });
  assert.equal(`\n${banner}`, WIDE);
});

Deno.test("every line of a box is as long as its others, whatever is in it", () => {
  for (const length of [1, 20, 34, 35, 36, 37, 70, 200]) {
    for (const key of ["k", "k".repeat(56), "k".repeat(57), "k".repeat(100)]) {
      const address = "a".repeat(length);
      const lines = toBanner({ version: "v".repeat(length), address, keys: { admin: key } }).trimEnd().split("\n");
      const joint = lines.findIndex((line) => line.startsWith(" "));
      for (const box of [lines.slice(0, joint), lines.slice(joint + 1)]) {
        assert.equal(new Set(box.map((line) => [...line].length)).size, 1);
      }
    }
  }
});

Deno.test("only the keys that were generated are shown", () => {
  const banner = toBanner({ version: "1", address: "a", keys: { admin: "sk_muxi_admin_1" } });
  assert.match(banner, /Admin: sk_muxi_admin_1/);
  assert.doesNotMatch(banner, /User:/);
  assert.doesNotMatch(toBanner({ version: "1", address: "a", keys: {} }), /API Keys/);
});
