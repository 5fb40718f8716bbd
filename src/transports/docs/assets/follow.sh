server=${MUXI_URL:-http://127.0.0.1:8000}
once=$(od -An -tx1 -N16 /dev/urandom | tr -d ' \n')
log=$(mktemp)
run= last=
until grep -qE '^event: run\.(completed|failed|cancelled)$' "$log"; do
  if [ -z "$run" ]; then
    set -- "$server/api/v1/chat/stream" -H "Idempotency-Key: $once" -d '{"message": "What can you do?"}'
  else
    set -- "$server/api/v1/runs/$run/events" -H "Accept: text/event-stream" -H "Last-Event-ID: $last"
  fi
  curl -sSfN --retry 5 -H "Authorization: Bearer $MUXI_KEY" "$@" >>"$log" || { [ $? = 22 ] && exit 1; sleep 1; }
  # A frame that broke off comes again: what counts ends with an empty line.
  awk '/^$/ { print frame; frame = ""; next } { frame = frame $0 "\n" }' "$log" >"$log.whole" && mv "$log.whole" "$log"
  run=$(sed -n 's/.*"run_id":"\([a-z0-9_]*\)".*/\1/p' "$log" | head -n 1)
  last=$(sed -n 's/^id: //p' "$log" | tail -n 1)
done
cat "$log"
rm "$log"
