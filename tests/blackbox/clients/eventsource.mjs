// Subscribes with the npm package `eventsource` and prints what happens, a JSON object on each line.
// Arguments: the URL, then a token or nothing, then further event types.
import { EventSource } from "eventsource";

const [url, token, ...types] = process.argv.slice(2);
const print = (event) => process.stdout.write(JSON.stringify(event) + "\n");
const withToken = (input, init) =>
  fetch(input, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } });

const source = new EventSource(url, token ? { fetch: withToken } : {});
const printMessage = ({ type, data, lastEventId }) => print({ event: "message", type, data, lastEventId });
source.addEventListener("open", () => print({ event: "open" }));
source.addEventListener("error", ({ code }) =>
  print({ event: "error", code: code ?? null, closed: source.readyState === EventSource.CLOSED }));
for (const type of ["message", ...types]) source.addEventListener(type, printMessage);
process.stdin.on("end", () => process.exit(0)).resume();
