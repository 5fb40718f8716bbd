const server = "http://127.0.0.1:8000/api/v1";
// Of a server of yours, which gets it by ticket_create for this path.
const ticketFor = (path) => fetch(`/my-own-ticket?path=${path}`).then((response) => response.text());
const addressOf = async (path) => `${server}${path}?ticket=${await ticketFor(path)}`;

const id = new URLSearchParams(location.search).get("recording");
const video = document.createElement("video");
Object.assign(video, {
  controls: true,
  crossOrigin: "anonymous",
  src: await addressOf(`/rtc/recordings/${id}/content`),
});
const words = document.createElement("track");
Object.assign(words, { default: true, src: await addressOf(`/rtc/recordings/${id}/transcript`) });
video.append(words);
document.body.append(video);
