import { mainnet } from '../../sdk/verify/ethereum/index.ts'

/** What is used here of packages that are not always there. */
interface Lodestar {
  readonly ssz: Record<'altair' | 'capella' | 'phase0', Record<string, SszType>>
  readonly chainConfig: unknown
  readonly createBeaconConfig: (config: unknown, root: Uint8Array) => unknown
  readonly deserializeSyncCommittee: (committee: unknown) => unknown
  readonly assertValidSignedHeader: (...told: readonly unknown[]) => void
  readonly assertValidFinalityProof: (message: unknown) => void
}
interface SszType {
  readonly fromJson: (json: unknown) => unknown
  readonly deserialize: (bytes: Uint8Array) => FinalityMessage
  readonly hashTreeRoot: (value: unknown) => Uint8Array
}
interface FinalityMessage {
  readonly attestedHeader: { readonly beacon: { readonly slot: number } }
  readonly syncAggregate: unknown
}

const names = ['light-client/validation', 'light-client/utils', 'types', 'config', 'config/default']

/** Signatures by the native code that it takes in Node, in place of the WebAssembly that it takes in browsers. */
const isNative = process.env.LANEKIT_LODESTAR === 'native'

/**
 * Judges a finality message of mainnet, from its SSZ on, as Lodestar's light client does, by a committee whose keys it has read before;
 * nothing where it is not installed. It brings 160 packages that nothing else here needs: after `node .ci/prepare.mjs`, which takes
 * away what is in no lock, `npm install --no-save @lodestar/light-client@1.28.1`.
 */
export async function lodestarPeer(
  finality: Uint8Array,
  committee: unknown,
): Promise<{ readonly name: string; readonly judge: () => void } | null> {
  const load = () => Promise.all(['@chainsafe/bls', ...names.map((name) => `@lodestar/${name}`)].map(partOf))
  const parts = await (isNative ? load() : asInBrowser(load))
  if (parts.includes(null)) return null
  const [bls, ...others] = parts as [{ readonly default: { readonly implementation: string } }, ...object[]]
  const { ssz, ...lodestar } = Object.assign({}, ...others) as Lodestar
  const type = (fork: keyof Lodestar['ssz'], name: string) => ssz[fork][name] as SszType
  const config = lodestar.createBeaconConfig(lodestar.chainConfig, mainnet.genesisValidatorsRoot)
  const keys = lodestar.deserializeSyncCommittee(type('altair', 'SyncCommittee').fromJson(committee))
  const [update, header] = [type('capella', 'LightClientFinalityUpdate'), type('phase0', 'BeaconBlockHeader')]
  const judge = () => {
    const message = update.deserialize(finality)
    const { beacon } = message.attestedHeader
    lodestar.assertValidSignedHeader(config, keys, message.syncAggregate, header.hashTreeRoot(beacon), beacon.slot)
    lodestar.assertValidFinalityProof(message)
  }
  return { name: `@lodestar/light-client by ${bls.default.implementation}`, judge }
}

/** What looks where it runs finds a process that is none of Node's. */
async function asInBrowser<value>(load: () => Promise<value>): Promise<value> {
  const tagged = process as unknown as Record<symbol, unknown>
  const tag = tagged[Symbol.toStringTag]
  tagged[Symbol.toStringTag] = 'browser'
  try {
    return await load()
  } finally {
    tagged[Symbol.toStringTag] = tag
  }
}

async function partOf(name: string): Promise<object | null> {
  try {
    return (await import(name)) as object
  } catch (error) {
    if ((error as { readonly code?: string }).code === 'ERR_MODULE_NOT_FOUND') return null
    throw error
  }
}
