import { chooseFeerate } from '../bitcoin/index.ts'
import { type Feerate, feerate } from '../units.ts'
import type { Panel } from './panel.ts'

/** Within how many blocks a transaction is to confirm. */
export const feerateTargetBlocks = 6
/** 1 sat per vbyte: what nodes have relayed at least for years. */
export const feerateMin: Feerate = /* @__PURE__ */ feerate(1_000)
/** 500 sat per vbyte: above, a liar is likelier than such a market. */
export const feerateMax: Feerate = /* @__PURE__ */ feerate(500_000)
/** 2 sat per vbyte: taken while no node has seen enough to tell. */
export const feerateDefault: Feerate = /* @__PURE__ */ feerate(2_000)

/** The median of what the nodes would pay, each held between the bounds and what it takes at least. */
export async function feerateOf(panel: Panel): Promise<Feerate> {
  const told = await panel.ask(async (node) => {
    const [estimates, own] = await Promise.all([node.feeEstimates(), node.minFeerate()])
    const min = feerate(Math.min(Math.max(own, feerateMin), feerateMax))
    const bounds = { targetBlocks: feerateTargetBlocks, min, max: feerateMax, otherwise: feerateDefault }
    return { hasEstimates: estimates.size > 0, rate: chooseFeerate(estimates, bounds) }
  })
  const knowing = told.filter(({ value }) => value.hasEstimates)
  const rates = (knowing.length > 0 ? knowing : told).map(({ value }) => value.rate).sort((a, b) => a - b)
  // Of an even number the higher middle one: too little does not confirm.
  return rates[Math.floor(rates.length / 2)] ?? feerateDefault
}
