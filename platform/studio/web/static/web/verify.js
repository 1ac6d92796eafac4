// The drop zone of the verify page: dropping, the size limit before sending, and progress while waiting.

const form = document.querySelector("[data-drop]");
const input = form.querySelector("input[type=file]");
const name = form.querySelector("[data-name]");
const place = document.getElementById("verdict");
const progress = form.querySelector("[data-progress]");
const bar = form.querySelector("[data-bar]");
const stage = form.querySelector("[data-stage]");
const limit = Number(form.dataset.limitMib);

// Choosing is enough here; the button is for browsers that run no scripts.
form.querySelector("[type=submit]").hidden = true;

function refuse(text) {
  const card = document.createElement("div");
  card.className = "card error";
  card.setAttribute("role", "alert");
  const message = document.createElement("p");
  message.className = "error-message";
  message.textContent = text;
  card.append(message);
  place.replaceChildren(card);
}

function chosen() {
  const file = input.files[0];
  name.textContent = file ? file.name : "Drop a clip here, or choose one";
  place.textContent = "";
  const tooLarge = file && file.size > limit * 2 ** 20;
  if (tooLarge) {
    const size = Math.ceil(file.size / 2 ** 20);
    refuse(`The file has ${size} MiB; at most ${limit} MiB can be verified. A few seconds of it are enough.`);
  }
  return file && !tooLarge;
}

input.addEventListener("change", () => { if (chosen()) form.requestSubmit(); });

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
addEventListener("drop", (event) => {
  if (!event.dataTransfer?.files.length) return;
  input.files = event.dataTransfer.files;
  if (chosen()) form.requestSubmit();
});

form.addEventListener("htmx:beforeRequest", () => {
  place.textContent = "";
  progress.hidden = false;
  bar.value = 0;
  stage.textContent = "Sending…";
});
form.addEventListener("htmx:xhr:progress", ({ detail }) => {
  if (!detail.lengthComputable) return;
  bar.value = detail.loaded / detail.total;
  if (detail.loaded < detail.total) {
    stage.textContent = `Sending, ${Math.round(bar.value * 100)} %`;
    return;
  }
  bar.removeAttribute("value");
  stage.textContent = "Inspecting credentials, watermark and fingerprint…";
});
form.addEventListener("htmx:afterRequest", () => { progress.hidden = true; });
form.addEventListener("htmx:sendError", () => {
  refuse("The file did not arrive: the connection was lost. Choose it again.");
});
place.addEventListener("htmx:afterSwap", () => {
  place.querySelector("#verdict-headline")?.focus({ preventScroll: true });
  place.scrollIntoView({ block: "nearest" });
});
