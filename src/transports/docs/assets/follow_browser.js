// `newTicket` asks your own server, which has the key, for the answer of POST /api/v1/tickets.
async function follow(run, { newTicket, onEvent }, after = 0) {
  const { ticket } = await newTicket();
  const query = new URLSearchParams({ starting_after: after, ticket });
  const source = new EventSource(`http://127.0.0.1:8000/api/v1/runs/${run}/events?${query}`);
  const hear = (event) => {
    after = Number(event.lastEventId);
    onEvent(event.type, JSON.parse(event.data));
    if (/^run\.(completed|failed|cancelled)$/.test(event.type)) source.close();
  };
  for (const type of ["run.started", "model.delta", "run.completed", "run.failed", "run.cancelled"]) {
    source.addEventListener(type, hear);
  }
  source.onerror = () => {
    source.close();
    setTimeout(() => follow(run, { newTicket, onEvent }, after), 1000);
  };
}
