curl -N http://127.0.0.1:8000/v1/chat/completions \
  -H "Authorization: Bearer $MUXI_KEY" \
  -H "content-type: application/json" \
  -d '{"model": "assistant", "stream": true, "messages": [{"role": "user", "content": "What can you do?"}]}'
