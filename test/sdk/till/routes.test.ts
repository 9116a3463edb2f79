import { describe, expect, it } from 'vitest'
import { decodeTerms } from '../../../sdk/channel/index.ts'
import { InvariantError, SdkError } from '../../../sdk/errors.ts'
import { tillRoutes } from '../../../sdk/till/index.ts'
import { type ChannelId, fromHex } from '../../../sdk/units.ts'
import { shopTerms } from './shop.ts'

const id = `0x${'ab'.repeat(32)}`

function routes(announce: (id: ChannelId) => void = () => undefined) {
  return tillRoutes({ till: { terms: shopTerms }, program: { announce }, box: 'https://edge.example' })
}

async function problemOf(response: Response) {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const { type, code, status, retryable } = await response.json()
  expect([type, status]).toEqual([`urn:lanekit:problem:${code}`, response.status])
  return [response.status, code, retryable]
}

describe('tillRoutes', () => {
  it('tells terms and box', async () => {
    const response = await routes().request('/till')
    const { format, terms, box } = await response.json()
    expect([response.status, format, box]).toEqual([200, 'oneway-cltv/1', 'https://edge.example'])
    expect(decodeTerms(fromHex(terms))).toEqual({ ok: true, value: shopTerms })
  })

  it('takes an announcement', async () => {
    const announced: string[] = []
    const response = await routes((one) => announced.push(one)).request(`/till/channels/${id}`, { method: 'POST' })
    expect([response.status, await response.text()]).toEqual([204, ''])
    expect(announced).toEqual([id])
  })

  it('answers with problems', async () => {
    const post = { method: 'POST' }
    expect(await problemOf(await routes().request('/till/channels/0x12', post))).toEqual([
      404,
      'unknown-channel',
      false,
    ])
    const wrong = await routes().request('/till', post)
    expect(wrong.headers.get('allow')).toBe('GET')
    expect(await problemOf(wrong)).toEqual([405, 'method-not-allowed', false])
    expect(await problemOf(await routes().request(`/till/channels/${id}`))).toEqual([405, 'method-not-allowed', false])
    const full = routes(() => {
      throw new SdkError('till/busy', 'Full.', { retryable: true })
    })
    const busy = await full.request(`/till/channels/${id}`, post)
    expect(busy.headers.get('retry-after')).toBe('2')
    expect(await problemOf(busy)).toEqual([503, 'busy', true])
    const broken = routes(() => {
      throw new InvariantError('A bug with a secret.')
    })
    const internal = await broken.request(`/till/channels/${id}`, post)
    expect(await internal.clone().text()).not.toMatch(/secret/)
    expect(await problemOf(internal)).toEqual([500, 'internal', false])
  })
})
