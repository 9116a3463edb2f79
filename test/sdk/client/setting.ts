import { afterAll, beforeAll, describe, it } from 'vitest'
import { type BitcoinBackend, startBitcoin } from '../../../edge/local/bitcoinBackend.ts'
import type { Opening } from '../../../sdk/channel/index.ts'
import { createBitcoinClient } from '../../../sdk/client/index.ts'
import { SdkError } from '../../../sdk/errors.ts'
import type { BitcoinNode } from '../../../sdk/ports.ts'
import { findBitcoind } from '../../bitcoind.ts'
import { fund, offer } from './channels.ts'

export type Running = () => BitcoinBackend

/** Runs tests on the ledger, and on a real bitcoind where there is one. */
export function onBackends(title: string, tests: (running: Running) => void): void {
  const onBackend = (name: string, start: () => Promise<BitcoinBackend>) =>
    describe(`${title}: ${name}`, () => {
      let backend: BitcoinBackend
      beforeAll(async () => {
        backend = await start()
      })
      afterAll(() => backend?.stop())
      tests(() => backend)
    })
  onBackend('ledger through Esplora', () => startBitcoin({ bitcoind: null }))
  const found = findBitcoind()
  if (found.binary !== null) onBackend('bitcoind', () => startBitcoin({ bitcoind: found.binary, lifetimeMs: 600_000 }))
  else
    describe(`${title}: bitcoind`, () => {
      it.skip(`needs a bitcoind (${found.reason})`, () => undefined)
    })
}

/** A client that begins at block 0. */
export const clientOf = (...nodes: readonly BitcoinNode[]) => createBitcoinClient({ network: 'regtest', nodes })

let expiry = 600
/** An offer unlike all before it: channels of one ledger are told apart by their expiry. */
export const freshOffer = () => offer(++expiry)

/** A channel whose funding is in the last block. */
export async function funded(backend: BitcoinBackend): Promise<Opening> {
  const opening = await fund(backend, freshOffer())
  await backend.mine(1)
  return opening
}

/** What a call throws that must. */
export async function failure(call: Promise<unknown>): Promise<SdkError> {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof SdkError)) throw new Error(`It did not fail as it must: ${error}.`)
  return error
}
