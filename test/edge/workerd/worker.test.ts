import { SELF } from 'cloudflare:test'
import { expect, it } from 'vitest'

it('answers its health check', async () => {
  const response = await SELF.fetch('https://edge.invalid/healthz')
  expect(await response.json()).toEqual({ ok: true })
})
