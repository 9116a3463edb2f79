import type { EvmNode, Relay, RelayEvent, Store } from '../../../../sdk/ports.ts'
import type { WalletParts } from '../../../../sdk/wallet/createWallet.ts'

/** A process that dies at one moment: from then on nothing it asked for ever comes back. What is stored stays. */
export interface Mortal {
  readonly parts: WalletParts
  /** Resolves at death. */
  readonly died: Promise<'died'>
  /** Moments that have passed. */
  readonly moments: () => number
}

/**
 * Counts the moments of a process and ends it at one of them: before and after each commit, each signature, each
 * submission, each event, and each question to the node.
 */
export function mortal(parts: WalletParts, deathAt: number): Mortal {
  let moments = 0
  let isDead = false
  let tell: (how: 'died') => void = () => undefined
  const died = new Promise<'died'>((resolve) => {
    tell = resolve
  })
  const never = new Promise<never>(() => undefined)

  const moment = async () => {
    if (isDead) return never
    moments += 1
    if (moments < deathAt) return undefined
    isDead = true
    tell('died')
    return never
  }
  const around = async <result>(work: () => Promise<result>): Promise<result> => {
    await moment()
    const result = await work()
    await moment()
    return result
  }
  /** Without moments of its own, since nothing outside changes by it. */
  const alive = async <result>(work: () => Promise<result>): Promise<result> => (isDead ? never : work())

  const store: Store = {
    get: (key) => alive(() => parts.store.get(key)),
    keys: (prefix) => alive(() => parts.store.keys(prefix)),
    commit: (writes) => around(() => parts.store.commit(writes)),
    close: async () => undefined,
  }
  async function* events(...args: Parameters<Relay['events']>): AsyncGenerator<RelayEvent, void> {
    for await (const event of parts.relay.events(...args)) {
      await moment()
      yield event
    }
  }
  const relay: Relay = {
    submit: (...args) => around(() => parts.relay.submit(...args)),
    status: (...args) => around(() => parts.relay.status(...args)),
    events,
  }
  const { evm, clock } = parts
  const asked: EvmNode = { ...evm, block: (which) => around(() => evm.block(which)) }
  return {
    died,
    moments: () => moments,
    parts: {
      ...parts,
      store,
      relay,
      evm: asked,
      keys: { ...parts.keys, sign: (request) => around(() => parts.keys.sign(request)) },
      ...(clock ? { clock: { now: clock.now, sleep: (ms, signal) => alive(() => clock.sleep(ms, signal)) } } : {}),
    },
  }
}
