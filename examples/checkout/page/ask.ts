/** What a server said, or that it said nothing (`status` 0) or no. */
export type Said<value> =
  | { readonly ok: true; readonly value: value; readonly at: number }
  | { readonly ok: false; readonly status: number; readonly code: string }

/** How long an answer is waited for. */
const timeoutMs = 8_000

/** The network as this page has it: unplugged, it is as if there were none. */
export interface Plug {
  readonly fetch: typeof globalThis.fetch
  readonly connect: (url: string) => WebSocket
  readonly unplug: () => void
  readonly plug: () => void
}

/** A network that can be taken away, for requests that are under way and open sockets too. */
export function createPlug(): Plug {
  let cut: AbortController | null = null
  let live = new AbortController()
  return {
    fetch: (input, init = {}) => {
      if (cut) return Promise.reject(new TypeError('The page is unplugged.'))
      const signal = init.signal ? AbortSignal.any([init.signal, live.signal]) : live.signal
      return globalThis.fetch(input, { ...init, signal })
    },
    connect: (url) => {
      const { signal } = live
      if (cut) throw new TypeError('The page is unplugged.')
      const socket = new WebSocket(url)
      const close = () => socket.close()
      signal.addEventListener('abort', close)
      socket.addEventListener('close', () => signal.removeEventListener('abort', close))
      return socket
    },
    unplug: () => {
      cut = live
      live.abort(new TypeError('The page was unplugged.'))
    },
    plug: () => {
      cut = null
      live = new AbortController()
    },
  }
}

/** Asks this page's server for JSON. Never throws: a page has to say what happened either way. */
export async function ask<value>(
  path: string,
  {
    fetch = globalThis.fetch,
    method = 'GET',
    body,
  }: { readonly fetch?: Plug['fetch']; readonly method?: string; readonly body?: unknown } = {},
): Promise<Said<value>> {
  try {
    const response = await fetch(path, {
      method,
      signal: AbortSignal.timeout(timeoutMs),
      cache: 'no-store',
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const told: unknown = text ? JSON.parse(text) : null
    if (response.ok) return { ok: true, value: told as value, at: Date.now() }
    const code = (told as { readonly code?: unknown } | null)?.code
    return { ok: false, status: response.status, code: typeof code === 'string' ? code : 'unknown' }
  } catch {
    return { ok: false, status: 0, code: 'unreachable' }
  }
}

/** Runs `look` now and again after each pause, but not while nobody sees the page. */
export function whileSeen(look: () => Promise<void>, pauseMs: number): void {
  const next = async () => {
    if (!document.hidden) await look()
    setTimeout(next, pauseMs)
  }
  void next()
}
