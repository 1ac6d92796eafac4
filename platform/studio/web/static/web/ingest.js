// Sends files to a bank in parts, several megabytes at a time, with a bar per file; a lost line only delays it.

const form = document.querySelector("[data-ingest]");
const input = form.querySelector("input[type=file]");
const place = form.querySelector("[data-sending]");
const list = form.querySelector("[data-files]");
const total = form.querySelector("[data-total]");
const summary = form.querySelector("[data-summary]");
const token = form.querySelector("[name=csrfmiddlewaretoken]").value;

const PART_BYTES = 8 * 2 ** 20;
const PAUSES_MS = [500, 2000, 5000, 15000, 30000];
let isSending = false;

// Choosing is enough here; the button is for browsers that run no scripts.
form.querySelector("[type=submit]").hidden = true;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function ask(address, options) {
  const answer = await fetch(address, {
    method: "POST",
    credentials: "same-origin",
    ...options,
    headers: { "X-CSRFToken": token, Accept: "application/json", ...options.headers },
  });
  const body = await answer.json().catch(() => ({}));
  return { status: answer.status, body };
}

// The server says what it has; where an answer was lost, sending goes on from there.
async function sendPart(row, file, offset) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const { status, body } = await ask(`${row.parts}?offset=${offset}`, {
        body: file.slice(offset, offset + PART_BYTES),
        headers: { "Content-Type": "application/octet-stream" },
      });
      if (status === 200) return body.received_bytes;
      if (status === 409) {
        const known = Number(/^\d+/.exec(body.message ?? ""));
        if (known > offset) return known;
      }
      if (status < 500 && status !== 429) throw new Refusal(body.message ?? "It was refused.");
    } catch (error) {
      if (error instanceof Refusal) throw error;
    }
    if (attempt >= PAUSES_MS.length) throw new Refusal("The connection was lost. Choose the file again.");
    await pause(PAUSES_MS[attempt]);
  }
}

class Refusal extends Error {}

function line(name) {
  const item = document.createElement("li");
  const label = document.createElement("span");
  label.className = "sending-name";
  label.textContent = name;
  const state = document.createElement("span");
  state.className = "dim";
  state.textContent = "waits";
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", name);
  item.append(label, state, bar);
  list.append(item);
  return { item, state, bar };
}

async function send(files) {
  isSending = true;
  place.hidden = false;
  list.replaceChildren();
  summary.textContent = `Sending ${files.length} file${files.length === 1 ? "" : "s"}…`;
  const lines = files.map((file) => line(file.name));
  const announced = { files: files.map((file) => ({ name: file.name, size_bytes: file.size })) };
  const { status, body } = await ask(form.dataset.address, {
    body: JSON.stringify(announced),
    headers: { "Content-Type": "application/json" },
  }).catch(() => ({ status: 0, body: {} }));
  if (status !== 202) {
    summary.textContent = body.message ?? "No connection to Slate. Choose the files again in a moment.";
    isSending = false;
    return;
  }
  const all = files.reduce((sum, file) => sum + file.size, 0) || 1;
  let before = 0;
  let refused = 0;
  for (const [number, file] of files.entries()) {
    const row = body.files[number];
    const { item, state, bar } = lines[number];
    item.scrollIntoView({ block: "nearest" });
    try {
      if (row.state === "failed") throw new Refusal(row.reason);
      let offset = row.received_bytes;
      while (offset < file.size) {
        offset = await sendPart(row, file, offset);
        bar.value = offset / file.size;
        state.textContent = `${Math.round(bar.value * 100)} %`;
        total.value = (before + offset) / all;
      }
      state.textContent = "sent";
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refused += 1;
      item.classList.add("is-refused");
      state.textContent = error.message;
    }
    before += file.size;
    summary.textContent = `${number + 1} of ${files.length} sent`;
  }
  total.value = 1;
  isSending = false;
  if (refused < files.length) location.assign(body.page);
  else summary.textContent = "None of the files could be sent.";
}

function chosen(files) {
  if (files.length && !isSending) send([...files]);
}

input.addEventListener("change", () => chosen(input.files));
for (const kind of ["dragenter", "dragover"]) {
  addEventListener(kind, (event) => {
    event.preventDefault();
    form.classList.add("is-over");
  });
}
for (const kind of ["dragleave", "drop"]) {
  addEventListener(kind, (event) => {
    event.preventDefault();
    if (kind === "drop" || !event.relatedTarget) form.classList.remove("is-over");
  });
}
addEventListener("drop", (event) => { if (event.dataTransfer) chosen(event.dataTransfer.files); });
addEventListener("beforeunload", (event) => { if (isSending) event.preventDefault(); });
