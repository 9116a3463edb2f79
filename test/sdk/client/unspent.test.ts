import { expect, it } from 'vitest'
import { fundingOutput, type Opening } from '../../../sdk/channel/index.ts'
import { createBitcoinClient } from '../../../sdk/client/index.ts'
import type { FilterSource } from '../../../sdk/ports.ts'
import { height } from '../../../sdk/units.ts'
import { closing } from './channels.ts'
import { filtersOf } from './filters.ts'
import { clientOf, failure, funded, onBackends } from './setting.ts'

onBackends('unspent-ness', (running) => {
  const asked = async (opening: Opening, ...filters: readonly FilterSource[]) => {
    const client = await createBitcoinClient({ network: 'regtest', nodes: [running().node], filters })
    const { fundedAt } = await client.view(opening)
    const { script } = fundingOutput(opening)
    return { client, output: { outpoint: opening.funding, script, height: height(fundedAt ?? 0) } }
  }

  it('is shown by filters that two sources agree on, and a spend by its block', async () => {
    const backend = running()
    const opening = await funded(backend)
    await backend.mine(2)
    const { client, output } = await asked(opening, filtersOf(backend), filtersOf(backend))
    expect(await client.unspent(output)).toMatchObject({
      value: { spent: false },
      verdict: { shown: 'filters', sources: ['filters 0', 'filters 1'], proven: [] },
    })
    const { raw, txid } = closing(opening)
    await client.broadcast(raw)
    await backend.mine(1)
    const spent = await client.unspent(output)
    expect(spent).toMatchObject({ value: { spent: true, txid }, verdict: { shown: 'block' } })
  })

  it('finds out a source that leaves out what a block pays, and keeps what cannot be judged as a conflict', async () => {
    const backend = running()
    const opening = await funded(backend)
    await backend.mine(1)
    const omits = filtersOf(backend, () => [], false)
    const { client, output } = await asked(opening, omits, filtersOf(backend))
    expect(await client.unspent(output)).toMatchObject({ value: { spent: false }, verdict: { sources: ['filters 1'] } })
    expect(client.filterFaults()[0]).toMatchObject({ node: 0, error: { code: 'node/nonsense' } })

    const { raw } = closing(opening)
    await client.broadcast(raw)
    await backend.mine(1)
    const hides = filtersOf(backend, () => [])
    const split = await asked(opening, hides, filtersOf(backend))
    expect(await failure(split.client.unspent(output))).toMatchObject({ code: 'client/conflict' })
    expect(split.client.conflicts()[0]?.told.map(({ source }) => source)).toEqual([0, 1])
  })

  it('is refused without sources, by a broken chain of filter headers, and beyond the headers that are kept', async () => {
    const backend = running()
    const opening = await funded(backend)
    await backend.mine(2)
    const broken: FilterSource = {
      filters: async (blocks) =>
        (await filtersOf(backend).filters(blocks)).map((one) => ({ ...one, header: new Uint8Array(32).fill(1) })),
    }
    const { client, output } = await asked(opening, broken)
    expect(await failure(client.unspent(output))).toMatchObject({ code: 'node/nonsense' })
    const without = await clientOf(backend.node)
    expect(await failure(without.unspent(output))).toMatchObject({ code: 'client/not-provable' })
  })
})
