import { webcrypto } from 'node:crypto'
import { type Context, createContext, runInContext } from 'node:vm'
import { webCipher } from '../../sdk/adapters/index.ts'
import type { CipherInput } from '../../sdk/ports.ts'

/** As the `abort-controller` package has it: a signal without `timeout`, `any` or `throwIfAborted`. */
class PlainController {
  readonly signal = Object.assign(new EventTarget(), { aborted: false, reason: undefined })

  abort(): void {
    this.signal.aborted = true
    this.signal.dispatchEvent(new Event('abort'))
  }
}

/** An answer of React Native's fetch: no stream, and a body that comes as a whole. */
async function fetch(_url: string, { body }: { readonly body: string }) {
  const text = JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(body).id, result: '0x7a69' })
  return { status: 200, headers: new Headers(), arrayBuffer: async () => new TextEncoder().encode(text).buffer }
}

const cipher = webCipher()
const encoder = new TextEncoder()
/** What is native on a phone. Its bytes are of this process, so the phone copies them, as it would from native code. */
const native = {
  encode: (text: string) => encoder.encode(text),
  pbkdf2: (input: Parameters<typeof cipher.pbkdf2>[0]) =>
    cipher.pbkdf2({ ...input, password: Uint8Array.from(input.password), salt: Uint8Array.from(input.salt) }),
  seal: (input: CipherInput) => cipher.seal(own(input)),
  open: (input: CipherInput) => cipher.open(own(input)),
}

function own({ key, nonce, bytes, associated }: CipherInput): CipherInput {
  const [ownKey, ownNonce, ownBytes, ownAssociated] = [key, nonce, bytes, associated].map((one) => Uint8Array.from(one))
  return { key: ownKey, nonce: ownNonce, bytes: ownBytes, associated: ownAssociated } as CipherInput
}

const builtIn = { console, setTimeout, clearTimeout, queueMicrotask, AbortController: PlainController, fetch }

const polyfills = {
  // react-native-get-random-values
  crypto: { getRandomValues: (bytes: Uint8Array) => webcrypto.getRandomValues(bytes) },
  // fast-text-encoding
  TextDecoder,
}

/** What is part of this process's language, but not of Hermes. */
const absent = ['WebAssembly', 'SharedArrayBuffer', 'Atomics']

/**
 * The globals that React Native gives an app beside the language itself, as far as the package may count on them, and
 * the polyfills that docs/platforms.md names; `nativeCipher` is a {@link Cipher}. No `Buffer`, `process`,
 * `crypto.subtle`, `URL`, streams, nor the newer half of `AbortSignal`: whoever uses one of those fails here.
 */
export function phone(): Context {
  const globals = createContext({ ...builtIn, ...polyfills, native })
  const begin = `
    ${absent.map((name) => `delete globalThis.${name}`).join(';')}
    const own = (bytes) => bytes && Uint8Array.from(bytes)
    globalThis.TextEncoder = class { encode(text) { return own(native.encode(text)) } }
    globalThis.nativeCipher = Object.fromEntries(
      ['pbkdf2', 'seal', 'open'].map((name) => [name, async (input) => own(await native[name](input))]))`
  runInContext(`{${begin}}`, globals)
  return globals
}
