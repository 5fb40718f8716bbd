"""The official OpenAI client for Python talks to MUXI: only its address and its key are other ones.

    pip install openai
    export OPENAI_BASE_URL=http://127.0.0.1:8000/v1 OPENAI_API_KEY=sk_muxi_user_…
    python3 examples/openai_client.py

It ends with an error when an answer isn't what it must be.
"""

import json
import os

from openai import NotFoundError, OpenAI
from pydantic import BaseModel

client = OpenAI()  # reads OPENAI_BASE_URL and OPENAI_API_KEY
model = os.environ.get("MODEL", "assistant")  # an agent is a model
HELLO = [{"role": "user", "content": "Hello, who are you?"}]

assert model in [one.id for one in client.models.list()]

answer = client.chat.completions.create(model=model, messages=HELLO)
assert answer.choices[0].finish_reason == "stop"
assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
print("answer:", answer.choices[0].message.content)

text = ""
for chunk in client.chat.completions.create(model=model, messages=HELLO, stream=True):
    if chunk.choices:
        text += chunk.choices[0].delta.content or ""
assert text
print("stream:", text)


class Person(BaseModel):
    name: str
    age: int


parsed = client.chat.completions.parse(
    model=model,
    messages=[{"role": "user", "content": 'Who was it? name: "Ada", age: 36'}],
    response_format=Person,
)
person = parsed.choices[0].message.parsed
assert isinstance(person, Person)
print("parsed:", person)

tools = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather in a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]
messages = [{"role": "user", "content": 'Call get_weather with city: "Paris"'}]
asked = client.chat.completions.create(model=model, messages=messages, tools=tools).choices[0].message
call = asked.tool_calls[0]
assert json.loads(call.function.arguments) == {"city": "Paris"}
messages += [asked, {"role": "tool", "tool_call_id": call.id, "content": "sunny, 21 °C"}]
answer = client.chat.completions.create(model=model, messages=messages, tools=tools)
assert "sunny" in answer.choices[0].message.content
print("tools:", answer.choices[0].message.content)

# An answer in the background: the connection is lost on the way, and nothing of the answer.
stream = client.responses.create(model=model, input="Tell me a long story.", background=True, stream=True)
text, seen, response_id = "", -1, ""
for event in stream:
    seen = event.sequence_number
    if event.type == "response.created":
        response_id = event.response.id
    if event.type == "response.output_text.delta":
        text += event.delta
        break
stream.close()
for event in client.responses.retrieve(response_id, stream=True, starting_after=seen):
    seen += 1
    assert event.sequence_number == seen
    if event.type == "response.output_text.delta":
        text += event.delta
assert client.responses.retrieve(response_id).output_text == text
print("resumed:", len(text), "characters, nothing lost")

try:
    client.chat.completions.create(model="nobody", messages=HELLO)
    raise AssertionError("An unknown model must be refused")
except NotFoundError as error:
    assert error.code == "model_not_found"
    print("error:", error.message)
