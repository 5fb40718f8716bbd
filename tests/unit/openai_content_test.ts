import { strict as assert } from "node:assert";
import { AppError } from "../../src/domain/error.ts";
import { toContent } from "../../src/transports/openai/content.ts";
import { toOpenAiError } from "../../src/transports/openai/errors.ts";

const PIXEL = "iVBORw0KGgo=";

/** What a refusal says, in OpenAI's words. */
function refusal(work: () => unknown) {
  try {
    work();
  } catch (thrown) {
    assert.ok(thrown instanceof AppError, String(thrown));
    assert.equal(thrown.status, 400);
    return toOpenAiError(thrown).error;
  }
  assert.fail("nothing was refused");
}

Deno.test("text comes as it is, and parts of text as paragraphs", () => {
  assert.deepEqual(toContent("Hi", "c"), { content: "Hi", attachments: [] });
  assert.deepEqual(toContent(null, "c"), { content: "", attachments: [] });
  const parts = [{ type: "text", text: "One" }, { type: "input_text", text: "Two" }, {
    type: "output_text",
    text: "3",
  }];
  assert.equal(toContent(parts, "c").content, "One\n\nTwo\n\n3");
  assert.equal(toContent([{ type: "refusal", refusal: "No" }], "c").content, "No");
});

Deno.test("pictures and files of both dialects become attachments", () => {
  const png = `data:image/png;base64,${PIXEL}`;
  const cases: [Record<string, unknown>, unknown][] = [
    [{ type: "image_url", image_url: { url: png, detail: "low" } }, {
      name: "image.png",
      media_type: "image/png",
      data: PIXEL,
    }],
    [{ type: "input_image", image_url: png }, { name: "image.png", media_type: "image/png", data: PIXEL }],
    [{ type: "input_image", image_url: "https://example.org/a.png" }, { url: "https://example.org/a.png" }],
    [{ type: "input_image", file_id: "file_01abc" }, { file_id: "file_01abc" }],
    [{ type: "image_url", image_url: { url: `data:image/svg+xml;charset=utf-8;base64,${PIXEL}` } }, {
      name: "image.svg",
      media_type: "image/svg+xml",
      data: PIXEL,
    }],
    [{ type: "file", file: { filename: "a.csv", file_data: "YSxi" } }, {
      name: "a.csv",
      media_type: "text/csv",
      data: "YSxi",
    }],
    [{ type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,YSxi" } }, {
      name: "a.pdf",
      media_type: "application/pdf",
      data: "YSxi",
    }],
    [{ type: "input_file", filename: "x.unknown", file_data: "_-8" }, {
      name: "x.unknown",
      media_type: "application/octet-stream",
      data: "/+8=",
    }],
    [{ type: "input_file", file_id: "file_01abc" }, { file_id: "file_01abc" }],
  ];
  for (const [part, attachment] of cases) {
    assert.deepEqual(toContent([part], "c").attachments, [attachment], JSON.stringify(part));
  }
});

Deno.test("what can't be read is refused, with its place", () => {
  const cases: [Record<string, unknown>, string, string | null][] = [
    [{ type: "input_audio", input_audio: { data: "", format: "wav" } }, "c[0]", "unsupported_value"],
    [{ type: "video" }, "c[0].type", "unsupported_value"],
    [{ type: "text" }, "c[0].text", null],
    [{ type: "image_url", image_url: { url: "http://example.org/a.png" } }, "c[0].image_url", null],
    [{ type: "image_url", image_url: { url: "data:image/png,abc" } }, "c[0].image_url", null],
    [{ type: "image_url", image_url: { url: "data:image/png;base64,!!" } }, "c[0].image_url", null],
    [{ type: "image_url" }, "c[0]", null],
    [{ type: "file", file: { file_id: "file-OpenAI" } }, "c[0].file.file_id", null],
    [{ type: "file", file: {} }, "c[0].file", null],
    [{ type: "input_file", file_url: "https://example.org/" }, "c[0].file_url", "unsupported_parameter"],
  ];
  for (const [part, param, code] of cases) {
    const error = refusal(() => toContent([part], "c"));
    assert.deepEqual([error.param, error.code], [param, code], JSON.stringify(part));
    assert.equal(error.type, "invalid_request_error");
  }
  assert.equal(refusal(() => toContent(7, "messages[2].content")).param, "messages[2].content");
  assert.equal(refusal(() => toContent([{ text: "no type" }], "c")).param, "c[0].type");
});
