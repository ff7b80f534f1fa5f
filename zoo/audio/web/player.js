// One clock for all recordings of the page: whichever plays, the others wait at its place.

const recordings = [...document.querySelectorAll(".recording")].map((card) => ({
  card,
  name: card.querySelector("h3").textContent,
  audio: card.querySelector("audio"),
  button: card.querySelector("button"),
  place: card.querySelector("input"),
  line: card.querySelector(".plot i"),
  shown: card.querySelector("output"),
}));
const seconds = Number(document.body.dataset.seconds);
let clock = 0; // seconds
let active = null; // the recording that plays
let last = recordings[0]; // that the space bar goes on with

const clockText = (time) => `${Math.floor(time / 60)}:${String(Math.floor(time % 60)).padStart(2, "0")}`;

function show() {
  for (const { place, line, shown } of recordings) {
    place.value = clock;
    place.setAttribute("aria-valuetext", `${clockText(clock)} of ${clockText(seconds)}`);
    line.style.left = `${(100 * clock) / seconds}%`;
    shown.textContent = clockText(clock);
  }
}

function pause() {
  if (!active) return;
  const { audio, button, card, name } = active;
  active = null; // first: what the event of the pause does is then nothing
  clock = Math.min(audio.currentTime, seconds);
  audio.pause();
  button.textContent = "Play";
  button.setAttribute("aria-label", `Play ${name}`);
  card.classList.remove("active");
  show();
}

function play(recording) {
  pause();
  active = last = recording;
  const { audio, button, card, name } = recording;
  if (clock >= seconds - 0.05) clock = 0;
  audio.currentTime = clock;
  audio.play().catch((error) => {
    if (error.name === "AbortError") return; // another was chosen before this one began
    if (active === recording) pause();
    recording.shown.textContent = "This browser cannot play it.";
  });
  button.textContent = "Pause";
  button.setAttribute("aria-label", `Pause ${name}`);
  card.classList.add("active");
  requestAnimationFrame(follow);
}

function follow() {
  if (!active) return;
  if (!active.audio.seeking) clock = active.audio.currentTime;
  show();
  requestAnimationFrame(follow);
}

function seek(time) {
  clock = Math.max(0, Math.min(time, seconds));
  if (active) active.audio.currentTime = clock;
  show();
}

const toggle = (recording) => (active === recording ? pause() : play(recording));

for (const recording of recordings) {
  const { audio, button, place, card } = recording;
  button.addEventListener("click", () => toggle(recording));
  place.addEventListener("input", () => seek(Number(place.value)));
  card.querySelector(".plot").addEventListener("click", (event) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    seek((seconds * (event.clientX - left)) / width);
  });
  for (const end of ["ended", "pause"]) audio.addEventListener(end, () => active === recording && pause());
}
for (const mark of document.querySelectorAll(".marks button")) {
  mark.addEventListener("click", () => seek(Number(mark.dataset.seconds)));
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const chosen = recordings["123456789".indexOf(event.key)];
  if (event.key.length === 1 && chosen) toggle(chosen);
  else if (event.key === " " && event.target.tagName !== "BUTTON") {
    event.preventDefault();
    toggle(active ?? last);
  }
});
show();
