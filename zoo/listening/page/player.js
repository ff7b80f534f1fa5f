// Plays decoded recordings. Those to be compared all run at once, in a loop, and one is audible: switching between them
// has no gap, and stays at the same sample.

const FADE = 0.008; // s, so that a switch does not click
const LEAD = 0.03; // s between the press and the first sample, the same for all recordings

let context = null; // one for the page; browsers allow sound only after a press

function contextAt(sampleRate) {
  if (context && context.sampleRate !== sampleRate && context.asked !== sampleRate) {
    context.close();
    context = null;
  }
  if (!context) {
    try {
      context = new AudioContext({ sampleRate, latencyHint: "interactive" });
    } catch {
      context = new AudioContext(); // a browser that cannot play at this rate resamples
    }
    context.asked = sampleRate;
  }
  return context;
}

/** Decode a recording at its own rate. */
export async function decode(bytes, sampleRate) {
  return await new OfflineAudioContext(1, 1, sampleRate).decodeAudioData(bytes);
}

export class Player {
  /**
   * @param {AudioBuffer[]} buffers of the sounds, in their order
   * @param {number} sampleRate Hz
   * @param {boolean} together whether one switches between them
   * @param {() => void} onChange called when `active` changes
   */
  constructor(buffers, sampleRate, together, onChange) {
    Object.assign(this, { buffers, sampleRate, together, onChange });
    this.plays = buffers.map(() => 0);
    this.active = null; // place of the sound that is audible
    this.voices = [];
  }

  /** Play a sound from its start, or switch to it. */
  async play(place) {
    const audio = contextAt(this.sampleRate);
    if (audio.state !== "running") await audio.resume();
    const running = this.together && this.active !== null;
    if (!running) {
      this.stop();
      this.start(this.together ? this.buffers.keys() : [place]);
    }
    this.active = place;
    this.plays[place] += 1;
    for (const voice of this.voices) {
      const level = voice.place === place ? 1 : 0;
      voice.gain.gain.cancelScheduledValues(audio.currentTime);
      if (running) voice.gain.gain.setTargetAtTime(level, audio.currentTime, FADE / 3);
      else voice.gain.gain.setValueAtTime(level, audio.currentTime);
    }
    this.onChange();
  }

  start(places) {
    this.began = context.currentTime + LEAD;
    this.voices = [...places].map((place) => {
      const source = new AudioBufferSourceNode(context, { buffer: this.buffers[place], loop: this.together });
      const gain = new GainNode(context, { gain: 0 });
      source.connect(gain).connect(context.destination);
      source.start(this.began);
      source.onended = () => this.ended(source);
      return { source, gain, place };
    });
  }

  ended(source) {
    if (this.voices.some((voice) => voice.source === source)) this.stop();
  }

  /** Silence, and back to the start. */
  stop() {
    const voices = this.voices;
    this.voices = [];
    for (const { source, gain } of voices) {
      gain.gain.setTargetAtTime(0, context.currentTime, FADE / 3);
      source.stop(context.currentTime + 4 * FADE);
    }
    if (this.active === null) return;
    this.active = null;
    this.onChange();
  }

  /** Share of the sound that was played, 0..1. */
  position() {
    if (this.active === null) return 0;
    const { duration } = this.buffers[this.active];
    const time = Math.max(0, context.currentTime - this.began);
    return this.together ? (time % duration) / duration : Math.min(1, time / duration);
  }
}
