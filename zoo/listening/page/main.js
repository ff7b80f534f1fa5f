// The session: fetch the state, draw its screen, save the answer, and so on to the end.

import { Refusal, ids, newId, send, sound, start } from "./client.js";
import { element, say } from "./dom.js";
import { Player, decode } from "./player.js";
import { draw } from "./screens.js";

const main = document.getElementById("screen");
const fetched = new Map(); // bytes of sounds, by "number/place": those of this trial and the next
let screen = null;

function onWait() {
  const what = "The connection is interrupted. What you answered is kept here; the page goes on by itself.";
  say(what, true);
}

function show(...nodes) {
  screen = null;
  main.replaceChildren(...nodes);
  const title = main.querySelector("h1");
  title?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function bytes(number, place) {
  const key = `${number}/${place}`;
  if (!fetched.has(key)) fetched.set(key, sound(number, place, onWait));
  return fetched.get(key);
}

/** Fetch the sounds of a trial, and forget those of trials before it. */
function fetchSounds({ number, sounds }, current) {
  for (const key of fetched.keys()) if (Number(key.split("/")[0]) < current) fetched.delete(key);
  return Array.from({ length: sounds }, (_, place) => bytes(number, place));
}

function header(state) {
  document.title = state.title;
  document.getElementById("study").textContent = state.title;
  const going = state.status === "going" && state.trial.counts;
  const count = document.getElementById("count");
  const progress = document.getElementById("progress");
  progress.hidden = !going;
  count.textContent = going ? `${state.done + 1} of ${state.of}` : "";
  progress.value = going ? state.done / state.of : 0;
}

async function run(state) {
  header(state);
  if (state.feedback) await tell(state.feedback);
  if (state.status === "done") return end(state);
  if (state.status === "ended") return refuse();
  await ask(state);
}

/** Show what the server says of an answer, until the listener goes on. */
function tell(feedback) {
  return new Promise((resolve) => {
    const go = element("button", { class: "go", type: "button", onclick: resolve }, "Continue");
    show(element("h1", { tabindex: -1 }, "Practice"), element("p", { class: "feedback" }, feedback), go);
    screen = { key: (event) => event.key === "Enter" && event.target !== go && resolve() };
  });
}

async function ask(state) {
  const { trial } = state;
  const shown = performance.now();
  let player = null;
  const view = draw(trial, async (value) => {
    say("");
    const seconds = (performance.now() - shown) / 1000;
    const answer = { client_id: newId(), number: trial.number, value, seconds, plays: player?.plays ?? [] };
    try {
      const next = await send(answer, onWait);
      say("");
      await run(next);
    } catch (error) {
      await again(error);
    }
  });
  show(view.node);
  screen = view;
  try {
    const data = await Promise.all(fetchSounds(trial, trial.number));
    const buffers = await Promise.all(data.map((one) => decode(one.slice(0), trial.sample_rate)));
    if (screen !== view) return;
    player = new Player(buffers, trial.sample_rate, trial.together, view.changed);
    view.ready(player);
    follow(view, player);
    say("");
  } catch (error) {
    await again(error);
    return;
  }
  if (state.next) fetchSounds(state.next, trial.number);
}

/** Move the position while the screen is shown. */
function follow(view, player) {
  const bar = view.node.querySelector(".position");
  if (!bar) return;
  const frame = () => {
    if (screen !== view) return;
    bar.value = player.position();
    requestAnimationFrame(frame);
  };
  frame();
}

/** After a refusal: what the server says now, such as after an answer in another tab. */
async function again(error) {
  if (!(error instanceof Refusal)) return fail(error);
  fetched.clear();
  try {
    await run(await start(onWait));
  } catch (second) {
    fail(second);
  }
}

function end(state) {
  const code = element("p", { class: "code", id: "code" }, state.code);
  const back = state.return_url ? element("a", { class: "go", href: state.return_url }, "Go back, and finish") : null;
  show(
    element("h1", { tabindex: -1 }, "Thank you"),
    element("p", {}, "All your answers are saved. This is your completion code:"),
    code,
    back ?? element("p", { class: "hint" }, "You may close this page."),
  );
}

function refuse() {
  show(
    element("h1", { tabindex: -1 }, "The test ends here"),
    element("p", {}, "Thank you for your time. The word that you chose was not in the sentence, so this test cannot go on."),
  );
}

function fail(error) {
  const retry = element("button", { class: "go", type: "button", onclick: () => location.reload() }, "Try again");
  show(element("h1", { tabindex: -1 }, "This did not work"), element("p", {}, error.message), retry);
}

addEventListener("keydown", (event) => screen?.key(event));
// A page that comes back from the browser's history may be older than the answers.
addEventListener("pageshow", (event) => event.persisted && location.reload());

if (ids().assignment === "ASSIGNMENT_ID_NOT_AVAILABLE") {
  show(element("h1", { tabindex: -1 }, "Listening test"), element("p", {}, "Accept the task to begin."));
} else {
  start(onWait).then(async (state) => { say(""); await run(state); }).catch(fail);
}
