// The server's requests, and what the browser remembers: the session's token and an answer that is not yet saved.

// One server may hold several studies under different paths.
const KEY = `listening:${location.pathname.replace(/[^/]*$/, "")}`;
const PAUSES = [500, 1000, 2000, 4000, 8000]; // ms between attempts

/** A refusal that no second attempt changes. */
export class Refusal extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

let memory = read(); // also where a browser stores nothing

function remember(changes) {
  memory = { ...memory, ...changes };
  try {
    localStorage.setItem(KEY, JSON.stringify(memory));
  } catch {
    // Private windows may refuse; the session then lasts as long as the page.
  }
}

/** Ids of the crowdsourcing platforms in the address: Prolific's and Mechanical Turk's names. */
export function ids() {
  const query = new URLSearchParams(location.search);
  const first = (...names) => names.map((name) => query.get(name)).find(Boolean) ?? "";
  return {
    worker: first("PROLIFIC_PID", "workerId", "worker"),
    assignment: first("SESSION_ID", "assignmentId", "assignment"),
    campaign: first("STUDY_ID", "hitId", "study"),
  };
}

async function attempt(path, options) {
  const headers = memory.token ? { Authorization: `Bearer ${memory.token}` } : {};
  if (options.body) headers["Content-Type"] = "application/json";
  const response = await fetch(path, { ...options, headers });
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({ error: response.statusText }));
  if (response.status >= 500 || response.status === 429) throw new Error(error);
  throw new Refusal(error, response.status);
}

/** A request that is repeated until the server answers; `onWait` hears of each failure. */
async function request(path, options = {}, onWait = () => {}) {
  for (let count = 0; ; count++) {
    try {
      return await attempt(path, options);
    } catch (error) {
      if (error instanceof Refusal) throw error;
      onWait(error);
      await pause(PAUSES[Math.min(count, PAUSES.length - 1)]);
    }
  }
}

/** Waits, or until the connection is back. */
function pause(milliseconds) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    addEventListener("online", end);
  });
}

/** Where the session stands; begins one where there is none, or where the address has the ids of another listener. */
export async function start(onWait) {
  const own = ids();
  if (memory.token && memory.worker === own.worker) {
    try {
      if (memory.unsent) return await send(memory.unsent, onWait);
      return await (await request("api/state", {}, onWait)).json();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.status !== 401) {
        remember({ unsent: null }); // refused for good: the state says how to go on
        return await (await request("api/state", {}, onWait)).json();
      }
    }
  }
  // Drawn here and kept, so that after a lost response or a reload the same request begins nothing new.
  const next = memory.next?.worker === own.worker ? memory.next : { worker: own.worker, token: newId() + newId() };
  memory = {};
  remember({ next });
  await request("api/sessions", { method: "POST", body: JSON.stringify({ ...own, token: next.token }) }, onWait);
  remember({ token: next.token, worker: own.worker, next: null });
  return await (await request("api/state", {}, onWait)).json();
}

/** Save an answer: kept in the browser until the server has it. Resolves to the new state. */
export async function send(answer, onWait) {
  remember({ unsent: answer });
  const response = await request("api/answers", { method: "POST", body: JSON.stringify(answer) }, onWait);
  const state = await response.json();
  remember({ unsent: null });
  return state;
}

/** Bytes of a sound. */
export async function sound(number, place, onWait) {
  return await (await request(`api/sounds/${number}/${place}`, {}, onWait)).arrayBuffer();
}

/** A name for an answer, the same each time it is sent. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
