import { table } from './progress.ts'
import type { Walked } from './walk.ts'
import type { ChannelWalked } from './walkChannel.ts'
import type { WindowTotals } from './windows.ts'

/** What the main job came to: the last line of `--json`. */
export interface Summary {
  readonly ok: boolean
  readonly evm: {
    readonly backend: string
    readonly sent: number
    readonly included: number
    readonly lanes: number
    readonly criticalPathGas: number
    readonly idealSpeedup4: number
  }
  readonly channel: {
    /** Which Bitcoin node judged. */
    readonly backend: string
    readonly payments: number
    readonly paidSats: number
    readonly closeTxid: string
    readonly confirmations: number
  }
  readonly verified: { readonly receipts: number; readonly inclusions: number }
  readonly seconds: number
}

/** Everything that was counted on the way. */
export interface Counted {
  readonly backends: { readonly evm: string; readonly bitcoin: string }
  readonly walked: Walked
  readonly totals: WindowTotals
  readonly paid: ChannelWalked
  readonly seconds: number
}

export function summarize({ backends, walked, totals, paid, seconds }: Counted): Summary {
  const { sent, included, receipts, inclusions } = walked
  const { payments, paymentsAsked, paidSats, closeTxid, confirmations } = paid
  return {
    ok: [included, receipts, inclusions].every((count) => count === sent) && payments === paymentsAsked,
    evm: {
      backend: backends.evm,
      sent,
      included,
      lanes: totals.lanes,
      criticalPathGas: totals.criticalPathGas,
      idealSpeedup4: totals.idealSpeedup4,
    },
    channel: { backend: backends.bitcoin, payments, paidSats, closeTxid, confirmations },
    verified: { receipts, inclusions },
    seconds: Number(seconds.toFixed(1)),
  }
}

/** The same for people. */
export function report({ ok, evm, channel, verified, seconds }: Summary, { walked, paid }: Counted): string {
  const { sendSeconds, settleSeconds } = walked
  const perSecond = Math.round(evm.sent / settleSeconds)
  const paidPerSecond = Math.round(channel.payments / paid.paySeconds)
  return table([
    ['Sent through the edge', `${evm.sent} token transfers to ${evm.backend}`],
    ['Included', `${evm.included}`],
    ['Proven by trie', `${verified.inclusions} transactions, ${verified.receipts} receipts (level: node)`],
    ['Lanes', `${evm.lanes} over all windows`],
    ['Longest chain of waits', `${evm.criticalPathGas.toLocaleString('en-US')} gas`],
    ['Ideal speed-up, 4 workers', `${evm.idealSpeedup4.toFixed(2)} times`],
    ['Quoted, signed, stored', `${sendSeconds.toFixed(1)} s`],
    ['Stored to settled', `${settleSeconds.toFixed(1)} s (${perSecond} a second)`],
    [
      'Paid over a channel',
      `${channel.payments} payments in ${paid.paySeconds.toFixed(1)} s (${paidPerSecond} a second)`,
    ],
    ['Settled on chain', `${channel.paidSats} sat, ${channel.confirmations} blocks deep, judged by ${channel.backend}`],
    ['In all', `${seconds} s`],
    ['Everything as it should be', ok ? 'yes' : 'NO'],
  ])
}
