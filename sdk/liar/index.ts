/**
 * A liar for light clients: servers that tell the truth but for one lie. Put it between a client and an honest node, ask as
 * ever, and see whether the client finds out. Works on the wire, so any client in any language of JSON-RPC can be tried.
 *
 * ```ts
 * for (const lie of nodeLies) {
 *   const node = proofNode({ url, fetch: lyingFetch(fetch, lie) })
 *   await expect(clientOf(node).balance(account)).rejects.toThrow()
 * }
 * ```
 */
export { beaconLies } from './beaconLies.ts'
export { filterLies, headLies, sequencedLies } from './levelLies.ts'
export { type Asked, type Lie, nodeLies } from './lies.ts'
export { lyingFetch } from './lyingFetch.ts'
export { superRootLies } from './superRootLies.ts'
