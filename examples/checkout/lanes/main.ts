import type { WindowDetail } from '../api.ts'
import { ask, whileSeen } from '../page/ask.ts'
import { paint } from '../page/paint.ts'
import { type Lanes, lanesView, type WindowFigures } from './view.ts'

const pollMs = 3_000
/** Most windows in the list: the edge keeps pictures of the last ones only. */
const windowsShownMax = 40
/** Most pages of the list that are read to come to its end. */
const pagesMax = 200
const place = document.querySelector('main')
let lanes: Lanes = { windows: null, chosen: null, detail: null, isStale: false }
/** The newest is followed until somebody chooses. */
let follows = true

function show(next: Lanes): void {
  lanes = next
  if (place) paint(place, lanesView(lanes, choose))
}

function choose(window: number): void {
  follows = window === lanes.windows?.[0]?.window
  show({ ...lanes, chosen: window, detail: null })
  void draw(window)
}

async function look(): Promise<void> {
  const chain = await chainId()
  const windows = chain === null ? null : await newest(chain)
  if (!windows) return show({ ...lanes, isStale: true })
  const chosen = follows || lanes.chosen === null ? (windows[0]?.window ?? null) : lanes.chosen
  const isNew = chosen !== lanes.chosen
  show({ ...lanes, windows, chosen, detail: isNew ? null : lanes.detail, isStale: false })
  if (chosen !== null && lanes.detail === null) await draw(chosen)
}

async function draw(window: number): Promise<void> {
  const said = await ask<WindowDetail>(`/v1/chains/${await chainId()}/windows/${window}`)
  if (lanes.chosen !== window) return
  if (said.ok) show({ ...lanes, detail: said.value })
  else if (said.status === 404) show({ ...lanes, detail: 'gone' })
}

/** Pages are the oldest first, so the way to the newest goes through all after the last one seen. */
async function newest(chain: number): Promise<readonly WindowFigures[] | null> {
  const seen = [...(lanes.windows ?? [])].reverse()
  for (let page = 0; page < pagesMax; page++) {
    const said = await ask<{ readonly windows: readonly WindowFigures[] }>(
      `/v1/chains/${chain}/windows?after=${seen.at(-1)?.window ?? 0}`,
    )
    if (!said.ok) return null
    if (said.value.windows.length === 0) break
    seen.push(...said.value.windows)
  }
  return seen.slice(-windowsShownMax).reverse()
}

let known: number | null = null

async function chainId(): Promise<number | null> {
  if (known !== null) return known
  const said = await ask<{ readonly chain: number }>('/lanes/chain')
  if (said.ok) known = said.value.chain
  return known
}

show(lanes)
whileSeen(look, pollMs)
