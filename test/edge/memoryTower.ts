import type { BitcoinSources } from '../../edge/bitcoinSource.ts'
import { towerBytesMax } from '../../edge/limits.ts'
import { problem } from '../../edge/problems.ts'
import { type TowerAnswer, type TowerEvent, towerStep, towerWakeAt } from '../../edge/tower.ts'
import { doForTower } from '../../edge/towerDeeds.ts'
import type { JusticeRow, TowerChange, TowerHead, TowerRows, TowerStateRow } from '../../edge/towerRows.ts'
import { refused } from '../../sdk/adapters/relayAnswer.ts'
import { decodeSealed, encodeReceipt, signReceipt, type TowerReceipt } from '../../sdk/channel/tower/index.ts'
import { sha256 } from '../../sdk/crypto/index.ts'
import type { SignedReceipt, TowerLink } from '../../sdk/ports.ts'
import { type Hex, toHex } from '../../sdk/units.ts'
import { must } from '../sdk/bitcoin/must.ts'

/** A tower's rows in memory: what SQLite does, the plain way. */
export interface MemoryTowerRows extends TowerRows {
  readonly apply: (changes: readonly TowerChange[]) => void
}

export function memoryTowerRows(): MemoryTowerRows {
  let head: TowerHead | undefined
  const states = new Map<number, TowerStateRow>()
  const opened = new Set<string>()
  const justice = new Map<string, JusticeRow>()
  return {
    head: () => head,
    state: (number) => states.get(number),
    statesOf: (hint) => [...states.values()].filter((row) => row.hint === hint).slice(0, 2),
    justice: () => [...justice.values()],
    isOpened: (txid) => opened.has(txid),
    apply: (changes) => {
      for (const change of changes) {
        if ('remove' in change) {
          head = undefined
          for (const table of [states, opened, justice]) table.clear()
        } else if (change.put === 'head') head = change.row
        else if (change.put === 'state') states.set(change.row.number, change.row)
        else if (change.put === 'opened') opened.add(change.txid)
        else justice.set(`${change.row.txid} ${change.row.place}`, change.row)
      }
    },
  }
}

/** A tower without an edge around it: the true step and deeds, rows in memory, a clock that is told. */
export function memoryTower({
  sources,
  secretKey,
}: {
  readonly sources: BitcoinSources
  readonly secretKey: Uint8Array
}) {
  const rows = memoryTowerRows()
  let now = 1_800_000_000_000
  const turn = async (event: TowerEvent): Promise<TowerAnswer> => {
    const { changes, effects, answer } = towerStep(rows, event, 1_000)
    rows.apply(changes)
    for (const effect of effects) {
      const fed: TowerEvent[] = []
      await doForTower(effect, { bitcoin: () => sources, feed: (event) => fed.push(event), now: () => now })
      for (const event of fed) await turn(event)
    }
    return answer
  }
  return {
    rows,
    /** Lets time go by until the tower wants to look, and look. */
    look: async () => {
      now = Math.max(now, towerWakeAt(rows) ?? now)
      await turn({ type: 'tick', now })
    },
    link: (name: Hex, token: Uint8Array): TowerLink => {
      const claim = toHex(sha256(token))
      const receipt = async (answer: TowerAnswer): Promise<SignedReceipt> => {
        if (!answer.ok) throw refused(problem(answer.code, answer.detail))
        const { funding, first, next, height, lookedAt } = rows.head() as TowerHead
        const seconds = { lookedAtSeconds: Math.floor(lookedAt / 1_000), atSeconds: Math.floor(now / 1_000) }
        const told: TowerReceipt = { tower: name, funding, first, next, height: height ?? 0, ...seconds }
        return { bytes: encodeReceipt(told), signature: signReceipt(told, secretKey) }
      }
      return {
        register: async (watch) =>
          receipt(await turn({ type: 'register', claim, ...watch, bytesMax: towerBytesMax, now })),
        keep: async ({ number, bytes }) => {
          const state = { number, hint: toHex(must(decodeSealed(bytes)).hint), sealed: bytes }
          return receipt(await turn({ type: 'keep', claim, state, now }))
        },
        standing: async () => receipt(await turn({ type: 'visit', claim, now })),
      }
    },
  }
}
