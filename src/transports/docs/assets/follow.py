import http.client, json, os, sys, time, urllib.error, urllib.request, uuid

SERVER = os.environ.get("MUXI_URL", "http://127.0.0.1:8000")
HEADERS = {"Authorization": "Bearer " + os.environ["MUXI_KEY"], "Accept": "text/event-stream"}


def frames(request):
    """The frames of a stream: what stands before the colons, by its name."""
    # Silence of three comments' length means that nobody is there any more.
    with urllib.request.urlopen(request, timeout=45) as response:
        if response.status == 204:
            return
        frame = {}
        for line in response:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                frame[name] = value
            elif "data" in frame:
                yield frame
                frame = {}


def follow(message):
    """Says something; gives the events of the answer to the last one, each once."""
    once = {"Idempotency-Key": str(uuid.uuid4()), "Content-Type": "application/json"}
    body = json.dumps({"message": message}).encode()
    run = last = None
    while True:
        if run is None:
            request = urllib.request.Request(SERVER + "/api/v1/chat/stream", body, HEADERS | once)
        else:
            request = urllib.request.Request(f"{SERVER}/api/v1/runs/{run}/events", None, HEADERS | {"Last-Event-ID": last})
        try:
            for frame in frames(request):
                if "id" not in frame:
                    break
                data = json.loads(frame["data"])
                run, last = run or data["run_id"], frame["id"]
                yield frame["event"], data
                if frame["event"] in ("run.completed", "run.failed", "run.cancelled"):
                    return
        except urllib.error.HTTPError as error:
            if error.code not in (429, 502, 503, 504):
                sys.exit(error.read().decode())
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(1)


for event, data in follow("What can you do?"):
    if event == "model.delta":
        print(data["text"], end="", flush=True)
print()
