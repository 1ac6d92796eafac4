// Frame-exact transport over a native <video>: time code, stepping, J K L, loops over a stretch.

const SPEEDS = [1, 2, 4];
const players = new WeakMap();

class Player {
  constructor(root) {
    this.root = root;
    this.video = root.querySelector("video");
    this.fps = Number(root.dataset.fpsNumerator) / Number(root.dataset.fpsDenominator);
    this.frames = Number(root.dataset.frames);
    this.stretch = null;
    this.reverse = 0;
    this.heldK = false;
    // Our own controls stand below the picture; the browser's would lie on top of it and darken it.
    this.video.controls = false;
    this.video.addEventListener("click", () => this.toggle());
    this.scrub = root.querySelector("[data-scrub]");
    this.scrub.hidden = false;
    this.scrub.addEventListener("input", () => {
      this.video.pause();
      this.stopReverse();
      this.stretch = null;
      this.go(Number(this.scrub.value));
    });
    root.addEventListener("click", (event) => {
      const act = event.target.closest("[data-act]")?.dataset.act;
      if (act) this[act]();
    });
    this.video.addEventListener("pause", () => { root.classList.remove("is-playing"); this.show(); });
    this.video.addEventListener("play", () => {
      root.classList.add("is-playing");
      this.stopReverse();
      this.watch();
    });
    this.video.addEventListener("seeked", () => this.show());
    this.video.addEventListener("loadedmetadata", () => this.show());
    this.video.addEventListener("ratechange", () => this.showSpeed());
    this.show();
  }

  // A frame lasts 1/fps; its middle is the one time that no rounding moves to a neighbour.
  get frame() {
    return Math.max(0, Math.min(this.frames - 1, Math.floor(this.video.currentTime * this.fps + 1e-4)));
  }

  go(frame) {
    const wanted = Math.max(0, Math.min(this.frames - 1, frame));
    this.video.currentTime = (wanted + 0.5) / this.fps;
    this.show(wanted);
  }

  step(count) {
    this.video.pause();
    this.stopReverse();
    this.go(this.frame + count);
  }

  back() { this.step(-1); }
  forward() { this.step(1); }

  toggle() {
    if (this.reverse || !this.video.paused) return this.halt();
    this.video.playbackRate = 1;
    if (this.frame >= this.frames - 1) this.go(0);
    this.play();
  }

  play() { this.video.play().catch(() => {}); }

  halt() {
    this.stopReverse();
    this.video.pause();
    this.video.playbackRate = 1;
    this.showSpeed();
  }

  loop() {
    this.stretch = null;
    this.video.loop = !this.video.loop;
    this.root.querySelector("[data-act=loop]").setAttribute("aria-pressed", String(this.video.loop));
  }

  faster() {
    if (this.reverse) return this.halt();
    const playing = !this.video.paused;
    const next = SPEEDS[(SPEEDS.indexOf(this.video.playbackRate) + 1) % SPEEDS.length];
    this.video.playbackRate = playing ? next : 1;
    if (!playing) this.play();
    this.showSpeed();
  }

  // Browsers do not play backwards, so frames are stepped by the clock.
  backwards() {
    const speed = this.reverse ? SPEEDS[(SPEEDS.indexOf(this.reverse) + 1) % SPEEDS.length] : 1;
    this.stopReverse();
    this.video.pause();
    this.reverse = speed;
    let from = this.frame;
    const began = performance.now();
    const tick = (now) => {
      const wanted = from - Math.floor(((now - began) / 1000) * this.fps * speed);
      if (!this.video.seeking) this.go(wanted);
      if (wanted <= 0) { this.stopReverse(); return; }
      this.ticking = requestAnimationFrame(tick);
    };
    this.ticking = requestAnimationFrame(tick);
    this.showSpeed();
  }

  stopReverse() {
    if (!this.reverse) return;
    cancelAnimationFrame(this.ticking);
    this.reverse = 0;
    this.showSpeed();
  }

  seekStretch(start, end) {
    this.stretch = { start, end };
    this.go(Math.round(start * this.fps));
    this.video.playbackRate = 1;
    this.play();
    this.root.scrollIntoView({ block: "nearest" });
  }

  watch() {
    const seen = (now, metadata) => {
      this.show(metadata ? Math.round(metadata.mediaTime * this.fps) : undefined);
      if (this.stretch && this.video.currentTime >= this.stretch.end) {
        this.video.currentTime = this.stretch.start + 0.5 / this.fps;
      }
      if (!this.video.paused) this.next(seen);
    };
    this.next(seen);
  }

  next(callback) {
    if ("requestVideoFrameCallback" in this.video) this.video.requestVideoFrameCallback(callback);
    else requestAnimationFrame(callback);
  }

  show(frame = this.frame) {
    const rate = Math.max(1, Math.round(this.fps));
    const seconds = Math.floor(frame / rate);
    const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60, frame % rate];
    const code = parts.map((part) => String(part).padStart(2, "0")).join(":");
    this.root.querySelector("[data-timecode]").textContent = code;
    this.root.querySelector("[data-frame]").textContent = frame;
    this.scrub.value = frame;
    this.scrub.setAttribute("aria-valuetext", `${code}, frame ${frame}`);
  }

  showSpeed() {
    const speed = this.reverse ? -this.reverse : this.video.playbackRate;
    this.root.querySelector("[data-speed]").textContent = speed === 1 ? "" : `${speed}×`.replace("-", "−");
  }

  mute() { this.video.muted = !this.video.muted; }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.video.requestFullscreen?.();
  }
}

const KEYS = {
  " ": (player) => player.toggle(),
  k: (player) => player.halt(),
  j: (player) => (player.heldK ? player.back() : player.backwards()),
  l: (player) => (player.heldK ? player.forward() : player.faster()),
  ArrowLeft: (player, shift) => player.step(shift ? -Math.round(player.fps) : -1),
  ArrowRight: (player, shift) => player.step(shift ? Math.round(player.fps) : 1),
  Home: (player) => player.step(-player.frames),
  End: (player) => player.step(player.frames),
  p: (player) => player.loop(),
  m: (player) => player.mute(),
  f: (player) => player.fullScreen(),
};

function currentPlayer() {
  const root = document.querySelector("[data-player]");
  if (!root) return null;
  if (!players.has(root)) players.set(root, new Player(root));
  return players.get(root);
}

// Typing and the keys of other controls stay theirs; the video's own key handling gives way to ours.
function isTaken(target, key) {
  if (target.closest("input:not([type=range]), textarea, select, [contenteditable]")) return true;
  return (key === " " || key === "Enter") && target.closest("button, a, summary") !== null;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const player = currentPlayer();
  if (!player || !KEYS[key] || isTaken(event.target, key)) return;
  event.preventDefault();
  event.stopPropagation();
  if (key === "k") {
    if (player.heldK) return;
    player.heldK = true;
    if (player.video.paused && !player.reverse) { player.playOnRelease = true; return; }
  } else {
    player.playOnRelease = false;
  }
  KEYS[key](player, event.shiftKey);
}, true);

// K alone plays or pauses; K held with J or L steps, so that playing has to wait for the release.
document.addEventListener("keyup", (event) => {
  if (event.key.toLowerCase() !== "k") return;
  const player = currentPlayer();
  if (!player) return;
  player.heldK = false;
  if (player.playOnRelease) player.toggle();
  player.playOnRelease = false;
});

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-seek]");
  if (target) currentPlayer()?.seekStretch(Number(target.dataset.seek), Number(target.dataset.until));
});
document.addEventListener("htmx:load", currentPlayer);
currentPlayer();
