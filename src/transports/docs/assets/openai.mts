import OpenAI from "openai";
import process from "node:process";

const client = new OpenAI({ baseURL: "http://127.0.0.1:8000/v1", apiKey: process.env.MUXI_KEY });
const stream = await client.chat.completions.create({
  model: "assistant",
  messages: [{ role: "user", content: "What can you do?" }],
  stream: true,
});
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
