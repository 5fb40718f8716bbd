import { Call } from "http://127.0.0.1:8000/call/session_client.js";

const show = (text) => document.body.append(document.createElement("br"), text);
const call = await Call.start({
  base_url: "http://127.0.0.1:8000",
  ticket: () => fetch("/my-own-ticket").then((response) => response.text()),
});
call.on("connection", ({ state }) => show(`The call is ${state}`));
call.on("transcript.final", ({ text }) => show(`You: ${text}`));
call.on("agent.speaking", ({ text }) => show(`Agent: ${text}`));
call.onLookAsked((look) => {
  const agrees = confirm(`May it look at your ${look.source}? ${look.reason}`);
  call.answerLook(look, agrees ? "once" : "no");
});

await call.share("camera");
call.sendText("What am I holding?");
