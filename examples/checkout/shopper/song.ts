import type { Goods } from '../api.ts'

type Second = Extract<Goods, { readonly kind: 'second' }>

/** Plays what was paid for, second by second. */
export interface Player {
  /** Plays a second after those before it. Resolves when the next one is wanted: a little before this one ends. */
  readonly play: (second: Second) => Promise<void>
}

/** How long before its turn a second is bought. */
const leadMs = 1_500
const loudness = 0.12

/** A soft instrument of the browser's own; silent where there is none, since the seconds are counted all the same. */
export function createPlayer(): Player {
  let audio: AudioContext | null = null
  let endsAt = 0
  return {
    play: async ({ notes }) => {
      const now = performance.now()
      if (endsAt < now) endsAt = now + 50
      audio ??= typeof AudioContext === 'undefined' ? null : new AudioContext()
      if (audio) for (const note of notes) sound(audio, note, audio.currentTime + (endsAt - now) / 1_000)
      endsAt += 1_000
      const pause = endsAt - leadMs - performance.now()
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause))
    },
  }
}

function sound(audio: AudioContext, [hertz, begin, length]: Second['notes'][number], at: number): void {
  const [voice, volume] = [
    new OscillatorNode(audio, { type: 'triangle', frequency: hertz }),
    new GainNode(audio, { gain: 0 }),
  ]
  const from = at + begin
  volume.gain.setValueAtTime(0, from)
  volume.gain.linearRampToValueAtTime(loudness, from + 0.04)
  volume.gain.exponentialRampToValueAtTime(0.001, from + length)
  voice.connect(volume).connect(audio.destination)
  voice.start(from)
  voice.stop(from + length)
}
