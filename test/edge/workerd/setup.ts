import { reset } from 'cloudflare:test'
import { afterAll, vi } from 'vitest'

/**
 * Prototypes that the pool has wrapped. It puts one more Proxy around an entrypoint's for each request, and a request passes through
 * all of them: after a thousand, that takes longer than what is tested (createProxyPrototypeClass of @cloudflare/vitest-pool-workers,
 * 0.15.1 to 0.23.0 at least). What is wrapped once is wrapped enough, since each does what the one below it does.
 */
const wrapped = new WeakSet<object>()
const isOfPool = ({ get }: ProxyHandler<object>) => get?.toString().includes('getUnknownPrototypeKey') ?? false
globalThis.Proxy = new Proxy(Proxy, {
  construct(target, [around, handler]: [object, ProxyHandler<object>]) {
    if (wrapped.has(around)) return around
    const made = new target(around, handler)
    if (isOfPool(handler)) wrapped.add(made)
    return made
  },
})

// Files share an isolate, since each would load the worker anew: none leaves the next objects that are at work, or fakes.
afterAll(async () => {
  await reset()
  vi.unstubAllGlobals()
})
