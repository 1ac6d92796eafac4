// A match, watched: the take loops the matching stretch, and the work beside it follows at its own time and speed.

// Beyond this the work is sought to its place; below, it only runs a little faster or slower until it is there.
const FAR_S = 0.3;
const NEAR_S = 0.03;
const RATES = [0.0625, 16];

class Comparison {
  constructor(root) {
    this.root = root;
    this.player = document.querySelector("#viewing [data-player]");
    this.take = this.player?.querySelector("video");
    this.work = root.querySelector("[data-work]");
    this.fps = this.player ? Number(this.player.dataset.fpsNumerator) / Number(this.player.dataset.fpsDenominator) : 24;
    const number = (name) => Number(root.dataset[name]);
    Object.assign(this, { start: number("start"), end: number("end"), workStart: number("workStart"), workEnd: number("workEnd"), speed: number("speed") });
    this.ended = new AbortController();
    const on = (target, kind, listener) => target?.addEventListener(kind, listener, { signal: this.ended.signal });
    on(root, "click", ({ target }) => this.act(target.closest("[data-compare-act]")?.dataset.compareAct));
    on(this.take, "play", () => this.run());
    on(this.take, "pause", () => { this.work?.pause(); this.place(); });
    on(this.take, "seeking", () => this.place());
    on(this.take, "ratechange", () => this.pace(0));
    on(this.take, "ended", () => { this.rewind(); this.play(); });
    on(this.work, "loadedmetadata", () => this.place());
    on(this.work, "click", () => (this.take.paused ? this.play() : this.take.pause()));
    this.drawTakeBox();
    this.wasMuted = this.take?.muted;
    this.listenTo(root.dataset.method === "sound" && this.canHear ? "work" : "off");
    if (!this.take) return;
    this.take.pause();
    this.take.playbackRate = 1;
    this.rewind();
    this.play();
    document.getElementById("viewing").scrollIntoView({ block: "nearest" });
    root.focus({ preventScroll: true });
  }

  get canHear() { return this.work !== null && this.root.querySelector("[data-has-sound=true]") !== null; }

  // Where the work is when the take is at `time`.
  at(time) {
    const last = Math.max(this.workStart, this.workEnd - 0.5 / this.fps);
    return Math.max(this.workStart, Math.min(last, this.workStart + (time - this.start) * this.speed));
  }

  rewind() { this.take.currentTime = this.start + 0.5 / this.fps; }
  play() { this.take.play().catch(() => {}); }

  // While the take stands or is sought, the work is put to the same moment.
  place() {
    if (!this.work || this.work.readyState === 0) return;
    const wanted = this.at(this.take.currentTime);
    if (Math.abs(this.work.currentTime - wanted) > 0.2 / this.fps) this.work.currentTime = wanted;
    this.show();
    if (!this.take.paused) this.run();
  }

  run() {
    this.pace(0);
    if (this.work?.paused && !this.work.ended) this.work.play().catch(() => {});
    cancelAnimationFrame(this.ticking);
    this.ticking = requestAnimationFrame(() => this.tick());
  }

  tick() {
    if (this.take.paused || this.ended.signal.aborted) return;
    const time = this.take.currentTime;
    // Somebody who scrubs outside of the stretch comes back to it when they play.
    if (!this.take.seeking && (time >= this.end - 0.25 / this.fps || time < this.start - 1 / this.fps)) this.rewind();
    else if (this.work && !this.work.seeking && !this.take.seeking) this.keepUp(this.at(time) - this.work.currentTime);
    this.show();
    this.ticking = requestAnimationFrame(() => this.tick());
  }

  keepUp(behind) {
    if (Math.abs(behind) > FAR_S) this.work.currentTime += behind;
    else this.pace(Math.abs(behind) > NEAR_S ? behind : 0);
  }

  pace(behind) {
    if (!this.work) return;
    const wanted = this.take.playbackRate * this.speed * (1 + Math.max(-0.2, Math.min(0.2, behind)));
    const rate = Math.max(RATES[0], Math.min(RATES[1], wanted));
    if (Math.abs(this.work.playbackRate - rate) > 0.005) this.work.playbackRate = rate;
  }

  seek(time) {
    this.take.pause();
    this.take.currentTime = time + 0.25 / this.fps;
  }

  show() {
    const tenths = Math.floor(this.work ? this.work.currentTime * 10 + 1e-6 : 0);
    const said = `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
    const output = this.root.querySelector("[data-work-time]");
    if (output && output.textContent !== said) output.textContent = said;
  }

  act(name) {
    if (name === "mirror") this.mirror();
    if (name === "sound") this.nextSound();
    if (name === "close") this.close();
  }

  mirror() {
    const flipped = this.root.querySelector("[data-screen]").classList.toggle("is-flipped");
    this.root.querySelector("[data-compare-act=mirror]")?.setAttribute("aria-pressed", String(flipped));
  }

  nextSound() {
    const choices = this.canHear ? ["off", "take", "work"] : ["off", "take"];
    this.listenTo(choices[(choices.indexOf(this.heard) + 1) % choices.length]);
  }

  listenTo(whose) {
    this.heard = whose;
    if (this.take) this.take.muted = whose !== "take";
    if (this.work) this.work.muted = whose !== "work";
    const said = this.root.querySelector("[data-sound]");
    if (said) said.textContent = whose;
  }

  // The box lies over the take's own picture, which the server drew without it.
  drawTakeBox() {
    this.box = this.root.querySelector("[data-take-box]");
    const screen = this.player?.querySelector(".screen");
    if (!this.box || !screen) return;
    this.box.removeAttribute("hidden");
    screen.append(this.box);
  }

  // Leaves the take as it was found.
  leave() {
    this.ended.abort();
    cancelAnimationFrame(this.ticking);
    this.work?.pause();
    this.box?.remove();
    if (this.take) this.take.muted = this.wasMuted;
  }

  close() {
    this.leave();
    this.take?.pause();
    document.getElementById("beside").replaceChildren();
    document.getElementById("match").replaceChildren();
    history.replaceState(history.state, "", this.root.dataset.take);
    mark(null);
    document.getElementById(`segment-${this.root.dataset.match}`)?.focus();
    current = null;
  }
}

let current = null;

function wake() {
  const root = document.querySelector("[data-compare]");
  if (current?.root === root) return;
  current?.leave();
  current = root ? new Comparison(root) : null;
  mark(root?.dataset.match ?? null);
}

function mark(identity) {
  for (const segment of segments()) {
    if (identity !== null && segment.id === `segment-${identity}`) segment.setAttribute("aria-current", "true");
    else segment.removeAttribute("aria-current");
  }
}

const segments = () => [...document.querySelectorAll("a[data-match]")];
const said = document.querySelector("[data-segment-said]");
const legend = said && [...said.childNodes];

function tell(target) {
  const segment = target?.closest?.("a[data-match]");
  if (!said) return;
  if (segment) said.textContent = segment.getAttribute("aria-label");
  else said.replaceChildren(...legend);
}
for (const [kind, leaves] of [["pointerover", false], ["focusin", false], ["pointerout", true], ["focusout", true]]) {
  document.addEventListener(kind, ({ target, relatedTarget }) => {
    if (target.closest?.("a[data-match]")) tell(leaves ? relatedTarget ?? document.activeElement : target);
  });
}

// A lane is one stop for the tab key; the arrows go along it and on to the next lane.
function stepTo(segment, key) {
  const all = segments();
  const place = all.indexOf(segment);
  const next = { ArrowRight: place + 1, ArrowDown: place + 1, ArrowLeft: place - 1, ArrowUp: place - 1, Home: 0, End: all.length - 1 }[key];
  const wanted = all[Math.max(0, Math.min(all.length - 1, next))];
  for (const other of wanted.closest("svg").querySelectorAll("a[data-match]")) other.setAttribute("tabindex", other === wanted ? "0" : "-1");
  wanted.focus();
}

const STEPS = new Set(["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "Home", "End"]);
const WATCHED = { x: () => current.mirror(), m: () => current.nextSound(), escape: () => current.close() };

// Heard before the player hears it: on a segment the arrows mean segments, and M means both sounds.
window.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input:not([type=range]), textarea, select")) return;
  const segment = event.target.closest?.("a[data-match]");
  const open = document.querySelector("details.menu[open], details.keys[open]");
  const watched = WATCHED[event.key.toLowerCase()];
  if (segment && STEPS.has(event.key)) stepTo(segment, event.key);
  else if (segment && event.key === "Enter") segment.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
  else if (segment && event.key === " " && current?.take) current.take.paused ? current.play() : current.take.pause();
  else if (current && watched && !open) watched();
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

document.addEventListener("click", (event) => {
  // The segments are links of a drawing, whose default htmx leaves alone.
  if (event.target.closest("a[data-match]") && !event.ctrlKey && !event.metaKey) event.preventDefault();
  const at = event.target.closest("[data-compare-at]")?.dataset.compareAt;
  if (at && current?.take) current.seek(Number(at));
});
document.addEventListener("htmx:load", wake);
wake();
