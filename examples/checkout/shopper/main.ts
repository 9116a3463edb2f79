import type { ArticleId, Shop, Tide } from '../api.ts'
import { ask, createPlug } from '../page/ask.ts'
import { paint } from '../page/paint.ts'
import type { Action } from './actions.ts'
import { type Event, firstState, purchaseOf, type State, step } from './model.ts'
import type { Purse } from './purse.ts'
import { shopperView } from './view.ts'

const lookMs = 3_000
const hiddenMs = 250
/** Between two paintings: what thirty payments a second change is no easier to read for being painted thirty times. */
const paintMs = 100
const place = document.querySelector('main')
const plug = createPlug()
let state: State = firstState
let purse: Purse | null = null
let isPainting = false
let paintedAt = 0

/** Takes what happened, and paints it soon, with whatever happens in between: by a frame, or when the last painting is old enough. */
function tell(event: Event): void {
  state = step(state, event)
  if (isPainting) return
  isPainting = true
  // A page that nobody sees gets no frames, and is still to be right when it is looked at.
  const waitMs = document.hidden ? hiddenMs : paintedAt + paintMs - performance.now()
  if (waitMs > 0) setTimeout(show, waitMs)
  else requestAnimationFrame(show)
}

function show(): void {
  isPainting = false
  paintedAt = performance.now()
  if (place) paint(place, shopperView(state, act))
}

function act(action: Action): void {
  tell({ type: 'trouble', trouble: null })
  perform(action).catch((error: unknown) => {
    tell({ type: 'doing', doing: null })
    const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
    tell({
      type: 'trouble',
      trouble: {
        code: typeof code === 'string' ? code : 'unknown',
        detail: typeof message === 'string' ? message : '',
      },
    })
  })
}

async function perform(action: Action): Promise<void> {
  switch (action.do) {
    case 'create':
      return purse?.create(action.password, action.words)
    case 'unlock':
      return purse?.unlock(action.password)
    case 'words-written':
      return purse?.wordsWritten()
    case 'coins':
      return during('coins', async () =>
        demand(await ask('/demo/coins', { fetch: plug.fetch, method: 'POST', body: { address: state.address } })),
      )
    case 'copy':
      return navigator.clipboard.writeText(action.text)
    case 'choose':
      tell({ type: 'capacity', capacity: action.capacity })
      return purse?.quote(action.capacity)
    case 'over':
      tell({ type: 'over', over: action.over })
      return purse?.quote(state.capacity)
    case 'open':
      return during('opening', async () => purse?.open(state.capacity, state.over))
    case 'close':
    case 'close-alone':
      return during('closing', async () => purse?.close(action.do === 'close' ? 'together' : 'alone'))
    case 'bring-back':
      return during('bringing-back', async () => bringBack(action.article))
    case 'pause':
    case 'resume':
      return tell({ type: 'pause', isPaused: action.do === 'pause' })
    case 'take-back':
      return purse?.takeBack()
    case 'buy':
      return action.article === 'tide' ? askTide() : purse?.buy(wishFor(action.article))
    case 'go-on':
      return goOn(action.article)
    case 'stop':
      return stop(action.article)
    case 'show-invoice':
      return during('asking-invoice', async () => purse?.showInvoice(wishFor(action.article)))
    case 'limit':
      return tell({ type: 'song-limit', limit: action.limit })
    default:
      return harm(action.do)
  }
}

/** What the page does to itself to be tried. */
async function harm(what: 'kill' | 'unplug' | 'plug' | 'dismiss'): Promise<void> {
  if (what === 'dismiss') return
  if (what === 'kill') {
    tell({ type: 'edge', edge: 'down' })
    await during('killing', async () => demand(await ask('/demo/kill-edge', { method: 'POST' })))
    return tell({ type: 'edge', edge: 'up' })
  }
  if (what === 'unplug') plug.unplug()
  else plug.plug()
  tell({ type: 'plug', isUnplugged: what === 'unplug' })
}

async function during(doing: NonNullable<State['doing']>, run: () => Promise<unknown>): Promise<void> {
  tell({ type: 'doing', doing })
  await run()
  tell({ type: 'doing', doing: null })
}

function demand(said: { readonly ok: boolean }): void {
  if (!said.ok) throw Object.assign(new Error(''), { code: 'shop/unreachable' })
}

function wishFor(article: Exclude<ArticleId, 'tide'>): {
  readonly article: ArticleId
  readonly parts: number
  readonly price: bigint
} {
  const { price, parts } = state.shop?.articles.find(({ id }) => id === article) ?? { price: 0, parts: 0 }
  const limit = article === 'song' ? Number(state.songLimit / BigInt(Math.max(1, price))) : parts
  return { article, price: BigInt(price), parts: Math.min(parts, limit) }
}

async function goOn(article: ArticleId): Promise<void> {
  const purchase = purchaseOf(state, article)
  if (purchase) await purse?.goOn(purchase)
}

async function bringBack(article: ArticleId): Promise<void> {
  const purchase = purchaseOf(state, article)
  if (purchase) await purse?.bringBack(purchase)
}

/** All of that article: another tab may have begun one that this one has taken over. */
async function stop(article: ArticleId): Promise<void> {
  for (const purchase of state.purchases) if (purchase.article === article) purse?.stop(purchase)
}

async function askTide(): Promise<void> {
  const price = BigInt(state.shop?.articles.find(({ id }) => id === 'tide')?.price ?? 0)
  tell({ type: 'tide', tide: 'asking' })
  try {
    const answer = await purse?.fetchPaid('/shop/tide', price)
    if (!answer?.ok) throw Object.assign(new Error(''), { code: 'shop/unreachable' })
    tell({ type: 'tide', tide: { tide: (await answer.json()) as Tide, price } })
  } catch (error) {
    tell({ type: 'tide', tide: null })
    throw error
  }
}

/** Asks the shop who it is, and again now and then: for the clock, and to notice that it was started anew. */
async function look(): Promise<void> {
  const said = await ask<Shop>('/shop', { fetch: plug.fetch })
  if (said.ok) {
    if (state.shop && state.shop.run !== said.value.run) return location.reload()
    tell({ type: 'shop', shop: said.value, at: said.at })
  }
  const isWaiting = state.purchases.some((one) => one.state === 'waiting')
  if (isWaiting && state.doing !== 'killing') {
    const health = await ask('/healthz', { fetch: plug.fetch })
    if (health.ok || health.status === 503) tell({ type: 'edge', edge: health.ok ? 'up' : 'down' })
  } else if (state.edge === 'down' && state.doing !== 'killing') tell({ type: 'edge', edge: 'up' })
}

/** The wallet's program comes after the page is there to be read. */
async function loadPurse(): Promise<void> {
  for (;;) {
    await look()
    const { shop } = state
    if (shop) {
      try {
        const { openPurse } = await import('./purse.ts')
        purse = await openPurse({ shop, plug, tell, state: () => state })
        tell({ type: 'trouble', trouble: null })
        return
      } catch (error) {
        const { code } = error as { readonly code?: unknown }
        tell({ type: 'trouble', trouble: { code: typeof code === 'string' ? code : 'code/unreachable', detail: '' } })
        if (typeof code === 'string') return
      }
    } else tell({ type: 'trouble', trouble: { code: 'shop/unreachable', detail: '' } })
    await new Promise((resolve) => setTimeout(resolve, lookMs))
  }
}

const isOffline = () => tell({ type: 'offline', isOffline: !navigator.onLine })
addEventListener('online', isOffline)
addEventListener('offline', isOffline)
if (!navigator.onLine) isOffline()
requestAnimationFrame(() =>
  setTimeout(async () => {
    await loadPurse()
    setInterval(look, lookMs)
  }, 0),
)
