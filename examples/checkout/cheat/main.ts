import type { CheatStory } from '../api.ts'
import { ask, whileSeen } from '../page/ask.ts'
import { paint } from '../page/paint.ts'
import { type Cheat, cheatView } from './view.ts'

const pollMs = 500
const place = document.querySelector('main')
let cheat: Cheat = { story: null, isStale: false }

function show(next: Cheat): void {
  cheat = next
  if (place) paint(place, cheatView(cheat, play))
}

async function look(method: 'GET' | 'POST' = 'GET'): Promise<void> {
  const said = await ask<CheatStory>('/demo/cheat', { method })
  // Somebody else may have begun it: the next look shows theirs.
  const isThere = said.ok || said.code === 'playing-already'
  show(said.ok ? { story: said.value, isStale: false } : { ...cheat, isStale: !isThere })
}

function play(): void {
  void look('POST')
}

show(cheat)
whileSeen(() => look(), pollMs)
