import { parseAbi } from 'viem'
import type { Address } from '../../../../sdk/units.ts'
import { type Artifact, addressIn, artifactAt, openStage, type Stage } from './stage.ts'
import { openToken } from './tokens.ts'
import type { Opened } from './workloads.ts'

const base = '@aave/core-v3/artifacts/contracts'
const ether = 10n ** 18n
const ray = 10n ** 27n
const nobody = `0x${'00'.repeat(20)}`

const abi = parseAbi([
  'function setACLAdmin(address admin)',
  'function setACLManager(address manager)',
  'function addPoolAdmin(address admin)',
  'function addAssetListingAdmin(address admin)',
  'function setPriceOracle(address oracle)',
  'function setAssetPrice(address asset, uint256 price)',
  'function setPoolImpl(address pool)',
  'function setPoolConfiguratorImpl(address configurator)',
  'function getPool() returns (address)',
  'function getPoolConfigurator() returns (address)',
  'function configureReserveAsCollateral(address asset, uint256 ltv, uint256 threshold, uint256 bonus)',
  'function setReserveBorrowing(address asset, bool enabled)',
  'function supply(address asset, uint256 amount, address onBehalfOf, uint16 referralCode)',
  'function borrow(address asset, uint256 amount, uint256 mode, uint16 referralCode, address onBehalfOf)',
  'function repay(address asset, uint256 amount, uint256 mode, address onBehalfOf) returns (uint256)',
])

function on(functionName: string, args: readonly unknown[]) {
  return { abi, functionName, args }
}

/** Supplies, loans and repayments at Aave v3, each account at one of the reserves, where it has put something down before. */
export function openLending(accountCount: number, count: number, reserveCount: number): Opened {
  const stage = openStage(accountCount)
  const { owner, accounts, call, next, wait } = stage
  const { pool, list } = openPool(stage)
  const reserves = Array.from({ length: reserveCount }, (_, at) => {
    const holders = [owner, ...accounts.filter((_, account) => account % reserveCount === at)]
    const asset = openToken(stage, [pool], holders)
    list(asset)
    for (const holder of holders) call(holder, pool, on('supply', [asset, 10_000n * ether, holder, 0]))
    return asset
  })
  wait(100)
  const turns = new Map<Address, number>()
  const transactions = Array.from({ length: count }, (_, at) => {
    const account = (at * 7) % accountCount
    const [from, asset] = [accounts[account] as Address, reserves[account % reserveCount] as Address]
    const turn = turns.get(from) ?? 0
    turns.set(from, turn + 1)
    const amount = ether + BigInt(at)
    if (turn % 3 === 0) return next(from, pool, on('supply', [asset, amount, from, 0]))
    if (turn % 3 === 1) return next(from, pool, on('borrow', [asset, amount, 2, 0, from]))
    return next(from, pool, on('repay', [asset, amount / 2n, 2, from]))
  })
  return { state: stage.state, transactions }
}

/** Aave's pool as its own scripts set it up, with an oracle that says what it is told. */
function openPool(stage: Stage) {
  const { owner, deploy, call } = stage
  const asOwner = (to: Address, functionName: string, ...args: readonly unknown[]) =>
    call(owner, to, on(functionName, args))
  const at = (path: string, links: Readonly<Record<string, Address>> = {}): Artifact => {
    const name = path.split('/').at(-1)
    return artifactAt(`${base}/${path}.sol/${name}.json`, links)
  }
  const provider = deploy(at('protocol/configuration/PoolAddressesProvider'), ['Lanekit', owner])
  asOwner(provider, 'setACLAdmin', owner)
  const manager = deploy(at('protocol/configuration/ACLManager'), [provider])
  asOwner(provider, 'setACLManager', manager)
  asOwner(manager, 'addPoolAdmin', owner)
  asOwner(manager, 'addAssetListingAdmin', owner)
  const oracle = deploy(at('mocks/oracle/PriceOracle'))
  asOwner(provider, 'setPriceOracle', oracle)

  const links: Record<string, Address> = {}
  for (const name of ['Borrow', 'Bridge', 'EMode', 'FlashLoan', 'Liquidation', 'Pool', 'Supply', 'Configurator'])
    links[`${name}Logic`] = deploy(at(`protocol/libraries/logic/${name}Logic`, links))
  asOwner(provider, 'setPoolImpl', deploy(at('protocol/pool/Pool', links), [provider]))
  const configuratorCode = at('protocol/pool/PoolConfigurator', links)
  asOwner(provider, 'setPoolConfiguratorImpl', deploy(configuratorCode))
  const pool = addressIn(asOwner(provider, 'getPool'))
  const configurator = addressIn(asOwner(provider, 'getPoolConfigurator'))

  const [aTokenImpl, stableDebtTokenImpl, variableDebtTokenImpl] = [
    'AToken',
    'StableDebtToken',
    'VariableDebtToken',
  ].map((name) => deploy(at(`protocol/tokenization/${name}`), [pool]))
  const rates = [(8n * ray) / 10n, 0n, (4n * ray) / 100n, (75n * ray) / 100n, 0n, 0n, 0n, 0n, ray / 5n]
  const strategy = deploy(at('protocol/pool/DefaultReserveInterestRateStrategy'), [provider, ...rates])
  const list = (asset: Address) => {
    const names = { aTokenName: 'a', aTokenSymbol: 'a', variableDebtTokenName: 'v', variableDebtTokenSymbol: 'v' }
    const input = {
      ...{ aTokenImpl, stableDebtTokenImpl, variableDebtTokenImpl, underlyingAssetDecimals: 18 },
      ...{
        interestRateStrategyAddress: strategy,
        underlyingAsset: asset,
        treasury: owner,
        incentivesController: nobody,
      },
      ...{ ...names, stableDebtTokenName: 's', stableDebtTokenSymbol: 's', params: '0x' },
    }
    call(owner, configurator, { abi: configuratorCode.abi, functionName: 'initReserves', args: [[input]] })
    asOwner(oracle, 'setAssetPrice', asset, 10n ** 8n)
    asOwner(configurator, 'configureReserveAsCollateral', asset, 8_000, 8_500, 10_500)
    asOwner(configurator, 'setReserveBorrowing', asset, true)
  }
  return { pool, list }
}
