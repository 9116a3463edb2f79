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
  readonly fromJson: (json: unknown) => FinalityMessage
  readonly hashTreeRoot: (value: unknown) => Uint8Array
}
interface FinalityMessage {
  readonly attestedHeader: { readonly beacon: { readonly slot: number } }
  readonly syncAggregate: unknown
}

export const lodestarName = '@lodestar/light-client 1.28.1, WebAssembly'

/**
 * Judges a finality message of mainnet as Lodestar's light client does, by a committee whose keys it has read before; nothing where it is
 * not installed. It brings 160 packages that nothing else here needs: `npm install --no-save @lodestar/light-client@1.28.1`.
 */
export async function lodestarPeer(finality: unknown, committee: unknown): Promise<(() => void) | null> {
  const parts = await Promise.all(
    ['light-client/validation', 'light-client/utils', 'types', 'config', 'config/default'].map(partOf),
  )
  if (parts.includes(null)) return null
  const { ssz, ...lodestar } = Object.assign({}, ...parts) as Lodestar
  const type = (fork: keyof Lodestar['ssz'], name: string) => ssz[fork][name] as SszType
  const config = lodestar.createBeaconConfig(lodestar.chainConfig, mainnet.genesisValidatorsRoot)
  const message = type('capella', 'LightClientFinalityUpdate').fromJson(finality)
  const keys = lodestar.deserializeSyncCommittee(type('altair', 'SyncCommittee').fromJson(committee))
  const header = type('phase0', 'BeaconBlockHeader')
  return () => {
    const { syncAggregate, attestedHeader } = message
    const { beacon } = attestedHeader
    lodestar.assertValidSignedHeader(config, keys, syncAggregate, header.hashTreeRoot(beacon), beacon.slot)
    lodestar.assertValidFinalityProof(message)
  }
}

async function partOf(name: string): Promise<object | null> {
  try {
    return (await import(`@lodestar/${name}`)) as object
  } catch (error) {
    if ((error as { readonly code?: string }).code === 'ERR_MODULE_NOT_FOUND') return null
    throw error
  }
}
