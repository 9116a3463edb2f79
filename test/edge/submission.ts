import type { RelayItem, TxStatus } from '../../sdk/ports.ts'
import type { Hex } from '../../sdk/units.ts'
import { anvilChain, envelope, type Transfer } from './transfers.ts'

/** The batch's id once it is acknowledged, or nothing when the edge dies over it. */
export async function submit(url: string, batch: readonly Transfer[]): Promise<Hex | undefined> {
  for (;;) {
    try {
      const response = await fetch(`${url}/v1/chains/${anvilChain}/batches`, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: envelope(batch) as BodyInit,
      })
      if (response.status !== 202) continue
      const { batch: id, items } = (await response.json()) as { batch: Hex; items: readonly RelayItem[] }
      if (items.every(({ ok }) => ok)) return id
      for (const item of items) if (!item.ok && !item.problem.retryable) throw new Error(JSON.stringify(item.problem))
    } catch (error) {
      if (error instanceof TypeError || (error instanceof Error && 'cause' in error)) return undefined
      throw error
    }
  }
}

/** A batch's transactions once they all are in a block. */
export async function settled(url: string, batch: Hex): Promise<readonly { hash: Hex; status: TxStatus }[]> {
  for (let at = 0; ; at++) {
    const response = await fetch(`${url}/v1/chains/${anvilChain}/batches/${batch}`)
    const { items } = (await response.json()) as { items: readonly { hash: Hex; status: TxStatus }[] }
    const isSettled = items.every(({ status }) => status.state === 'included' || status.state === 'finalized')
    if (isSettled || at === 600) return items
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
