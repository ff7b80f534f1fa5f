// Draws a screen: sounds, a form, and the keys that work them.

import { element } from "./dom.js";

const SCALE = ["Bad", "Poor", "Fair", "Good", "Excellent"]; // of a score, from 0 to 100

/**
 * Draw a trial.
 * @param {object} trial as the server gives it
 * @param {(value: object) => void} submit called once, with the answer
 * @returns {{node: Node, ready: (player) => void, key: (event) => void, changed: () => void}}
 */
export function draw(trial, submit) {
  const state = { trial, player: null, scores: trial.rated.map(() => null), sent: false };
  state.buttons = trial.labels.map((label, place) => soundButton(state, label, place));
  state.only = trial.form === "choice" && trial.choices.length === 1 ? trial.choices[0] : null;
  state.go = element("button", { class: "go", type: "submit" }, state.only ? state.only[1] : trial.button);
  state.fields = form(state);
  state.position = trial.labels.length
    ? element("progress", { class: "position", max: 1, value: 0, "aria-label": "Position in the sound" })
    : null;
  const send = (event) => {
    event.preventDefault();
    const value = answer(state);
    if (state.go.disabled || state.sent || value === null) return;
    state.sent = true;
    update(state);
    state.player?.stop();
    submit(value);
  };
  const node = element(
    "form",
    { onsubmit: send, onchange: () => update(state), oninput: () => update(state), autocomplete: "off" },
    element("h1", { tabindex: -1 }, trial.title),
    ...trial.text.map((text) => element("p", {}, text)),
    open(state),
    state.position,
    state.fields,
    state.go,
    keysOf(trial),
  );
  update(state);
  return {
    node,
    ready: (player) => {
      state.player = player;
      update(state);
    },
    changed: () => update(state),
    key: (event) => press(state, node, event),
  };
}

/** The sounds that stand above the form; those that get a score stand beside it. */
function open(state) {
  const { labels, rated } = state.trial;
  const above = state.buttons.slice(0, labels.length - rated.length);
  return above.length ? element("div", { class: "sounds", role: "group", "aria-label": "Sounds" }, ...above) : null;
}

function soundButton(state, label, place) {
  const key = state.trial.keys[place];
  const press = () => {
    const { player, trial } = state;
    if (trial.together && player.active === place) player.stop();
    else player.play(place);
  };
  return element(
    "button",
    { class: "sound", type: "button", "aria-pressed": "false", disabled: true, onclick: press, "data-place": place },
    element("span", {}, label),
    element("small", {}, "loading"),
    element("kbd", { "aria-hidden": "true" }, key.toUpperCase()),
  );
}

function form(state) {
  const { trial } = state;
  if (trial.form === "text") return element("textarea", { name: "text", maxlength: 5000, "aria-label": trial.title });
  if (trial.form === "scores") return scores(state);
  if (state.only) return element("p", { class: "hint" });
  const choices = trial.choices.map(([value, label], index) =>
    element(
      "label",
      { class: "choice" },
      element("input", { type: "radio", name: "choice", value }),
      element("span", {}, label),
      element("kbd", { "aria-hidden": "true" }, digits(trial)[index]),
    ),
  );
  return element(
    "fieldset",
    {},
    element("legend", { class: "hint" }, ""),
    element("div", { class: "choices" }, ...choices),
  );
}

function scores(state) {
  const { labels, rated } = state.trial;
  const rows = rated.map((label, index) => {
    const output = element("output", { "aria-hidden": "true" }, "–");
    const move = (event) => {
      state.scores[index] = Number(event.target.value);
      output.textContent = event.target.value;
    };
    const slider = element("input", {
      type: "range", min: 0, max: 100, step: 1, value: 50, "aria-label": `Score of ${label}, 0 to 100`,
      oninput: move, onkeydown: (event) => event.key === "Enter" && event.preventDefault(),
    });
    return element("div", { class: "score" }, state.buttons[labels.length - rated.length + index], slider, output);
  });
  const scale = element("span", {}, ...SCALE.map((word) => element("i", {}, word)));
  return element(
    "fieldset",
    {},
    element("legend", { class: "hint" }, ""),
    element("div", { class: "scale", "aria-hidden": "true" }, scale),
    element("div", { class: "scores" }, ...rows),
  );
}

/** The answer that the form holds, null where it is not complete. */
function answer(state) {
  const { trial, fields, only, scores: given } = state;
  if (only) return { choice: only[0] };
  if (trial.form === "text") return { text: fields.value };
  if (trial.form === "scores") return given.includes(null) ? null : { scores: given };
  const chosen = fields.querySelector("input:checked");
  return chosen ? { choice: chosen.value } : null;
}

/** Bring the page in line with what was played and chosen. */
function update(state) {
  const { trial, player, buttons, fields, go, sent } = state;
  buttons.forEach((button, place) => {
    const active = player?.active === place;
    button.disabled = !player || sent;
    button.setAttribute("aria-pressed", String(active));
    button.classList.toggle("heard", Boolean(player?.plays[place]));
    button.querySelector("small").textContent = !player ? "loading" : active ? (trial.together ? "stop" : "playing")
      : player.plays[place] ? (trial.together ? "switch" : "play again") : "play";
  });
  const heard = !trial.labels.length || Boolean(player?.plays.every(Boolean));
  const hint = fields.querySelector("legend") ?? (state.only ? fields : null);
  if (hint) {
    if (trial.form === "choice" && !state.only) fields.disabled = !heard || sent;
    const asked = state.only ? "" : trial.form === "scores" && answer(state) === null ? "Give each a score." : "Your answer";
    hint.textContent = heard ? asked : `Listen to ${list(trial.labels)} first.`;
    hint.hidden = !hint.textContent;
  }
  go.disabled = sent || !heard || answer(state) === null;
}

function list(labels) {
  const names = labels.map((label) => (label.length > 1 ? `“${label}”` : label));
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0];
}

/** The keys of the choices: their own number where they have one, such as the scores 5 to 1, else their place. */
function digits(trial) {
  const values = trial.choices.map(([value]) => value);
  return values.every((value) => /^[1-9]$/.test(value)) ? values : values.map((_, index) => `${index + 1}`);
}

function keysOf(trial) {
  if (!trial.labels.length) return null;
  const keys = (names) => names.flatMap((name) => [element("kbd", {}, name), " "]);
  return element(
    "p",
    { class: "keys" },
    "Keys: ", ...keys(trial.keys.map((key) => key.toUpperCase())), "play, ",
    ...keys(["Space"]), "stop, ",
    ...(trial.form === "choice" && trial.choices.length > 1 ? [...keys(digits(trial)), "answer, "] : []),
    ...(trial.form === "scores" ? [...keys(["←", "→"]), "change a score, "] : []),
    ...keys(["Enter"]), "continue",
  );
}

/** A key: letters play, digits choose, space stops, Enter goes on. */
function press(state, node, event) {
  const { trial, player, fields, buttons, go } = state;
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "TEXTAREA") return;
  const place = trial.keys.indexOf(event.key.toLowerCase());
  const digit = trial.form === "choice" ? digits(trial).indexOf(event.key) : -1;
  if (place >= 0 && player) {
    if (!event.repeat) player.play(place);
  } else if (digit >= 0 && !state.only && !fields.disabled) {
    const input = fields.querySelectorAll("input")[digit];
    input.checked = true;
    input.focus();
    update(state);
  } else if (event.key === " " && player && !["BUTTON", "A"].includes(event.target.tagName)) {
    player.stop();
  } else if (event.key === "Enter" && !event.repeat && !buttons.includes(event.target) && event.target !== go) {
    node.requestSubmit();
  } else {
    return;
  }
  event.preventDefault();
}
