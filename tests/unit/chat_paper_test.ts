import { strict as assert } from "node:assert";
import { Paper } from "../../src/transports/cli/chat/paper.ts";
import { Screen } from "../support/screen.ts";

function create({ columns = 40, rows = 10 } = {}) {
  const screen = new Screen({ columns, rows });
  const written: string[] = [];
  const out = (text: string) => {
    written.push(text);
    screen.write(text);
  };
  return { paper: new Paper({ out, rows: () => rows }), screen, written };
}

Deno.test("text that grows is only added to", () => {
  const { paper, screen, written } = create();
  paper.show([], ["One"]);
  paper.show([], ["One wo"]);
  paper.show(["One word"], ["More"]);
  paper.show(["More of it"]);
  assert.deepEqual(written, ["One", " wo", "rd\nMore", " of it\n"]);
  assert.deepEqual(screen.lines(), ["One word", "More of it"]);
});

Deno.test("what turns out otherwise is drawn anew, from where it differs", () => {
  const { paper, screen, written } = create();
  paper.show(["above"], ["first", "**second", "third"]);
  paper.show([], ["first", "SECOND"]);
  assert.equal(written[1], "\r\x1b[1ASECOND\x1b[J");
  paper.show(["first"], ["short"]);
  paper.show([], []);
  paper.show(["end"]);
  assert.deepEqual(screen.lines(), ["above", "first", "end"]);
});

Deno.test("what is below goes away again", () => {
  const { paper, screen } = create();
  paper.show([], ["text", "status"]);
  paper.show([], ["text"]);
  paper.show([], ["text goes on"]);
  paper.show(["text goes on and ends"]);
  assert.deepEqual(screen.lines(), ["text goes on and ends"]);
});

Deno.test("nothing is lost or doubled when the changing part is taller than the screen", () => {
  const { paper, screen } = create({ rows: 6 });
  const all = Array.from({ length: 20 }, (_, i) => `line ${i}`);
  paper.show(["before"], ["x"]);
  for (let i = 1; i <= all.length; i++) paper.show([], all.slice(0, i));
  paper.show(all, ["after"]);
  paper.show(["after all"]);
  assert.deepEqual(screen.lines(), ["before", ...all, "after all"]);
});
