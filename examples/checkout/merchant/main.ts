import type { Books } from '../api.ts'
import { ask, whileSeen } from '../page/ask.ts'
import { paint } from '../page/paint.ts'
import { firstTill, merchantView, type Till } from './view.ts'

const pollMs = 1_000
const place = document.querySelector('main')
let till = firstTill

function show(next: Till): void {
  till = next
  if (place) paint(place, merchantView(till, { settle, withdraw }))
}

async function settle(channel: string): Promise<void> {
  show({ ...till, settling: [...till.settling, channel] })
  const said = await ask(`/merchant/channels/${channel}/settle`, { method: 'POST' })
  // What did not arrive may be asked again.
  if (!said.ok) show({ ...till, isStale: true, settling: till.settling.filter((one) => one !== channel) })
  await look()
}

async function withdraw(): Promise<void> {
  show({ ...till, isWithdrawing: true })
  const said = await ask('/merchant/invitations/withdraw', { method: 'POST' })
  show({ ...till, isWithdrawing: false, isStale: !said.ok })
  await look()
}

async function look(): Promise<void> {
  const said = await ask<Books>('/merchant/books')
  show(said.ok ? { ...till, books: said.value, isStale: false } : { ...till, isStale: true })
}

show(till)
whileSeen(look, pollMs)
