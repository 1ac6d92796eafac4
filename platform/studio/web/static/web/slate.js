// What every page does beyond HTML: thumbnails that wake up, words when the line is lost, keyboard sending.

const quietMotion = matchMedia("(prefers-reduced-motion: reduce)");

// Thumbnails below the fold load nothing until they come near; hovering one plays it.
const nearby = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    target.preload = "metadata";
    nearby.unobserve(target);
  }
}, { rootMargin: "200px" });

function wakeThumbnails(root) {
  for (const video of root.querySelectorAll("video[data-thumb]:not([data-awake])")) {
    video.dataset.awake = "";
    if (video.preload === "none") nearby.observe(video);
    const host = video.closest("a") ?? video;
    host.addEventListener("pointerenter", () => {
      if (!quietMotion.matches) video.play().catch(() => {});
    });
    host.addEventListener("pointerleave", () => {
      video.pause();
      if (video.readyState > 0) video.currentTime = Math.min(0.1, video.duration || 0);
    });
  }
}

const toast = document.getElementById("toast");
let toastTimer;
function say(text, lasting = false) {
  if (!toast) return;
  clearTimeout(toastTimer);
  if (toast.textContent !== text) toast.textContent = text;
  toast.hidden = false;
  if (!lasting) toastTimer = setTimeout(() => { toast.hidden = true; }, 6000);
}

document.addEventListener("htmx:sendError", () => say("No connection to Slate. Trying again…", true));
document.addEventListener("htmx:responseError", ({ detail }) => {
  if (detail.xhr.status >= 500 && detail.xhr.status !== 503) {
    say("Something broke on the server. Nothing you entered was wrong; try again in a minute.");
  }
});
document.addEventListener("htmx:afterOnLoad", () => {
  if (toast && toast.textContent.startsWith("No connection")) toast.hidden = true;
});

// A finished take moves onto the stage by itself, unless somebody is watching or looking at another take.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target, fragment } = event.detail;
  if (target?.id !== "stage") return;
  const video = target.querySelector("video");
  const watching = video && !video.paused;
  const lookingBack = new URLSearchParams(location.search).has("take");
  if (!watching && !lookingBack) return;
  event.preventDefault();
  const ready = fragment?.querySelector?.("[data-take]")?.dataset.take;
  say(ready ? `v${ready.padStart(3, "0")} is ready. It is at the top of the takes.` : "A new take is ready.");
});

function markCurrentTake() {
  const shown = document.getElementById("stage")?.dataset.take;
  for (const row of document.querySelectorAll("#takes .take")) {
    const link = row.querySelector(".take-link");
    if (row.dataset.take === shown) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  const count = document.getElementById("take-count");
  if (count) count.textContent = document.querySelectorAll("#takes .take").length;
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.target.closest?.("form.ask")?.requestSubmit();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open], details.keys[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open], details.keys[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

document.addEventListener("htmx:load", ({ detail }) => {
  wakeThumbnails(detail.elt);
  markCurrentTake();
});
wakeThumbnails(document);
