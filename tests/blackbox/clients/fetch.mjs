// Publishes and subscribes with Node's own fetch and prints what happens, a JSON object on each line.
// Arguments: the URL of the hub, a topic, a token, and how many updates.
import { createParser } from "eventsource-parser";

const [url, topic, token, count] = process.argv.slice(2);
const print = (event) => process.stdout.write(JSON.stringify(event) + "\n");

async function publish(data) {
  const response = await fetch(url, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
    body: new URLSearchParams({ topic, data }),
  });
  return { status: response.status, type: response.headers.get("content-type"), id: await response.text() };
}

const response = await fetch(`${url}?${new URLSearchParams({ match: topic })}`);
print({ event: "open", status: response.status, type: response.headers.get("content-type") });
const published = [];
for (let i = 0; i < Number(count); i++) published.push(await publish(`update ${i}`));
print({ event: "published", published });

let received = 0;
const parser = createParser({
  onEvent({ id, data }) {
    print({ event: "message", id, data });
    received++;
  },
});
const decoder = new TextDecoder();
const reader = response.body.getReader();
while (received < Number(count)) {
  const { value, done } = await reader.read();
  if (done) break;
  parser.feed(decoder.decode(value, { stream: true }));
}
await reader.cancel();
process.exit(0);
