/** The light client off the thread that asks: a worker verifies, and the page loads none of what it takes. */
export type { RemoteEthereumClient, ThreadPort } from './messages.ts'
export { remoteCallsMax, remoteEthereumClient } from './remoteClient.ts'
export { serveEthereumClient } from './serveClient.ts'
