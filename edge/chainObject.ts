import { DurableObject } from 'cloudflare:workers'

export class ChainObject extends DurableObject {}
