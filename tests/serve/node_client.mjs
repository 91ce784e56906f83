// Asks a server for vectors as OpenAI's client for Node does, by Node's own fetch: base64 that is decoded into a Float32Array,
// and numbers. It stands in for that client where npm cannot install it (tests/serve/clients.py).
//
//     node node_client.mjs URL JSON_LIST_OF_TEXTS
//
// Prints one JSON object: the bytes of the vectors in hexadecimal digits, as the client has them in memory.

const [url, texts] = [process.argv[2], JSON.parse(process.argv[3])];

async function embed(body) {
  const reply = await fetch(`${url}/v1/embeddings`, {
    method: "POST",
    headers: {
      Accept: "application/json",
      Authorization: "Bearer none",
      "Content-Type": "application/json",
      "X-Stainless-Lang": "js",
      "X-Stainless-Runtime": "node",
      "X-Stainless-Retry-Count": "0",
    },
    body: JSON.stringify({ model: "any", ...body }),
  });
  return { status: reply.status, requestId: reply.headers.get("x-request-id"), body: await reply.json() };
}

// The client decodes into an array of numbers.
function decoded(base64) {
  const bytes = Buffer.from(base64, "base64");
  return Array.from(new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / Float32Array.BYTES_PER_ELEMENT));
}

// Programs keep vectors as float32, wherever the numbers came from.
const hex = (numbers) => Buffer.from(new Float32Array(numbers).buffer).toString("hex");

const vectors = (reply) => reply.body.data.sort((a, b) => a.index - b.index).map((item) => item.embedding);

const base64 = await embed({ input: texts, encoding_format: "base64" });
const numbers = await embed({ input: texts, encoding_format: "float" });
const cut = await embed({ input: texts[0], encoding_format: "base64", dimensions: 16 });
const empty = await embed({ input: ["a", ""], encoding_format: "base64" });
const many = await Promise.all(texts.map((text) => embed({ input: text, encoding_format: "base64" })));
console.log(
  JSON.stringify({
    base64: vectors(base64).map((vector) => hex(decoded(vector))),
    float: vectors(numbers).map(hex),
    cut: hex(decoded(vectors(cut)[0])),
    together: many.map((reply) => hex(decoded(vectors(reply)[0]))),
    usage: base64.body.usage,
    requestId: base64.requestId,
    error: { status: empty.status, ...empty.body.error },
  }),
);
