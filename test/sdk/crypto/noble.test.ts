import { nobleEngine } from '../../../sdk/crypto/noble.ts'
import { engineContract } from '../../contracts/engine.ts'

engineContract(nobleEngine)
